// Counts of executions by minute and hour. Each start and each end leaves a row in an outbox; here they are folded into
// the counts, by every scheduler, and each counts once, whatever dies (migrations/…_roll_ups).
import { STATS_BUCKETS } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";

const FOLD_BATCH = 2_000;
const FOLD: HotQuery = { name: "execution_counts_fold", text: "select keelson.execution_counts_fold($1) as count" };

const RETIRE_BATCH = 2_000;
/** Index stats_minutes_at. */
const MINUTES: HotQuery = {
  name: "stats_minutes_retire",
  text: "select keelson.stats_minutes_retire($1, $2) as count",
};
/** Index stats_hours_at. */
const HOURS: HotQuery = { name: "stats_hours_retire", text: "select keelson.stats_hours_retire($1, $2) as count" };

/**
 * Folds what lies there, batch by batch; how many starts and ends. 0 also while another is folding. To be run about once a
 * second: as late may a count be seen. Rejects where PostgreSQL cannot be reached; nothing is lost or doubled by that.
 */
export async function foldCountsOnce(db: Database, stopping?: AbortSignal): Promise<number> {
  let folded = 0;
  for (;;) {
    const count = await countOf(db, FOLD, [FOLD_BATCH]);
    folded += count;
    if (count < FOLD_BATCH || stopping?.aborted === true) return folded;
  }
}

/**
 * One batch of the counts that are past their time at `nowAt` (epoch ms): a day after they could
 * last be asked for, so that no bucket is ever answered in part. True in `more`: there may be another batch.
 */
export async function retireCountsOnce(db: Database, nowAt: number): Promise<{ readonly more: boolean }> {
  const before = (keptMs: number) => new Date(nowAt - keptMs - STATS_BUCKETS.day.lengthMs);
  const minutes = await countOf(db, MINUTES, [before(STATS_BUCKETS.minute.keptMs), RETIRE_BATCH]);
  const hours = await countOf(db, HOURS, [before(STATS_BUCKETS.hour.keptMs), RETIRE_BATCH]);
  return { more: Math.max(minutes, hours) >= RETIRE_BATCH };
}

async function countOf(db: Database, query: HotQuery, values: readonly unknown[]): Promise<number> {
  const [row] = await db.call<{ count: number }>(query, values);
  return row?.count ?? 0;
}
