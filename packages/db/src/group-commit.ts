// Group commit: what already waits while a call is under way shares the next one, a call for each tenant at a time.
//  G1. At most one item of an execution in a call (T11): a session awaits each of its commits.
//  G2. Bad data fails its own item alone: the group's members are tried singly (T9).
//  G3. A call whose answer is lost is sent again; where it then finds nothing to fit, it asks what became of it (T6).
import { UnstorableError, type CommitItem, type CommitVerdict } from "@keelson/engine";
import { setTimeout as sleep } from "node:timers/promises";
import { isBadData, isTransient } from "./connection-errors.ts";
import type { Database } from "./database.ts";
import { executionCommit, executionCommitOutcome } from "./execution-commit.ts";

const MAX_GROUP = 64;
/** Calls of one tenant's under way at once: fewer make larger groups, more make use of a second core. */
const MAX_CALLS = 2;
/** Between two tries while PostgreSQL is away, and for how long at the most; the worker's lease ends sooner or later. */
const RETRY_DELAY_MS = 100;
const RETRY_FOR_MS = 60_000;

interface Waiting {
  readonly item: CommitItem;
  readonly resolve: (verdict: CommitVerdict) => void;
  readonly reject: (error: unknown) => void;
}

export interface GroupCommit {
  commit(workerId: string, item: CommitItem): Promise<CommitVerdict>;
}

export function createGroupCommit(db: Database): GroupCommit {
  const lanes = new Map<string, { waiting: Waiting[]; calls: number }>();

  async function work(workerId: string, tenantId: string, key: string): Promise<void> {
    const lane = lanes.get(key);
    if (lane === undefined) return;
    lane.calls += 1;
    while (lane.waiting.length > 0) await commitGroup(workerId, tenantId, lane.waiting.splice(0, MAX_GROUP));
    lane.calls -= 1;
    if (lane.calls === 0) lanes.delete(key);
  }

  async function commitGroup(workerId: string, tenantId: string, group: readonly Waiting[]): Promise<void> {
    const items = group.map((one) => one.item);
    try {
      const verdicts = await commitSurely(db, workerId, tenantId, items);
      group.forEach((one, index) => one.resolve(verdicts[index] ?? { kind: "fenced" }));
    } catch (error) {
      const [first] = group;
      if (!isBadData(error) || first === undefined) for (const one of group) one.reject(error);
      else if (group.length === 1)
        first.reject(new UnstorableError("PostgreSQL refuses the data of this commit", { cause: error }));
      else for (const one of group) await commitGroup(workerId, tenantId, [one]);
    }
  }

  return {
    commit(workerId, item) {
      const key = `${workerId} ${item.tenantId}`;
      const lane = lanes.get(key) ?? { waiting: [], calls: 0 };
      lanes.set(key, lane);
      return new Promise((resolve, reject) => {
        lane.waiting.push({ item, resolve, reject });
        if (lane.calls < MAX_CALLS) void work(workerId, item.tenantId, key);
      });
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
