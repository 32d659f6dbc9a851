// Group commit: one call for what several executions of a tenant have decided.
//  G3. At most one item of an execution in a call (T11): a session awaits each of its commits.
//  G4. A call whose answer is lost is sent again; where it then finds nothing to fit, it asks what became of it (T6).
import { UnstorableError, type CommitItem, type CommitVerdict } from "@keelson/engine";
import { setTimeout as sleep } from "node:timers/promises";
import { isBadData, isTransient } from "./connection-errors.ts";
import type { Database } from "./database.ts";
import { executionCommit, executionCommitOutcome } from "./execution-commit.ts";
import { createGrouping } from "./grouping.ts";

/** Between two tries while PostgreSQL is away, and for how long at the most; the worker's lease ends sooner or later. */
const RETRY_DELAY_MS = 100;
const RETRY_FOR_MS = 60_000;

export interface GroupCommit {
  commit(workerId: string, item: CommitItem): Promise<CommitVerdict>;
}

export function createGroupCommit(db: Database): GroupCommit {
  const grouping = createGrouping<{ readonly workerId: string; readonly item: CommitItem }, CommitVerdict>({
    keyOf: ({ workerId, item }) => `${workerId} ${item.tenantId}`,
    call: async (group) => {
      const [first] = group;
      if (first === undefined) return [];
      const items = group.map((one) => one.item);
      return commitSurely(db, first.workerId, first.item.tenantId, items);
    },
  });
  return {
    async commit(workerId, item) {
      try {
        return await grouping.add({ workerId, item });
      } catch (error) {
        if (!isBadData(error)) throw error;
        throw new UnstorableError("PostgreSQL refuses the data of this commit", { cause: error });
      }
    },
  };
}

/** Sends until there is an answer; never twice to effect, since each item fits one `seq` alone. */
async function commitSurely(
  db: Database,
  workerId: string,
  tenantId: string,
  items: readonly CommitItem[],
): Promise<CommitVerdict[]> {
  const beganMs = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const verdicts = await executionCommit(db, workerId, tenantId, items);
      if (attempt === 1 || verdicts.every((verdict) => verdict.kind === "applied")) return verdicts;
      // Sent before without an answer: what does not fit now may be what that call has written.
      const outcomes = await executionCommitOutcome(db, workerId, tenantId, items);
      return verdicts.map((verdict, index) => (verdict.kind === "applied" ? verdict : (outcomes[index] ?? verdict)));
    } catch (error) {
      if (!isTransient(error) || performance.now() - beganMs > RETRY_FOR_MS) throw error;
      await sleep(RETRY_DELAY_MS);
    }
  }
}
