// Counts of executions by minute and hour. Each start and each end leaves a row in an outbox; here they are folded into
// the counts, by every scheduler, and each counts once, whatever dies (migrations/…_roll_ups).
import type { Database, HotQuery } from "./database.ts";

const BATCH = 2_000;
const FOLD: HotQuery = { name: "execution_counts_fold", text: "select keelson.execution_counts_fold($1) as count" };

/**
 * Folds what lies there, in batches; how many starts and ends. 0 also where another is folding. To be run about once a
 * second: as much later may a count be seen. Rejects where PostgreSQL cannot be reached; nothing is lost or doubled by it.
 */
export async function foldCountsOnce(db: Database, stopping?: AbortSignal): Promise<number> {
  let folded = 0;
  for (;;) {
    const [row] = await db.call<{ count: number }>(FOLD, [BATCH]);
    folded += row?.count ?? 0;
    if ((row?.count ?? 0) < BATCH || stopping?.aborted === true) return folded;
  }
}
