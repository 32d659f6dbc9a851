// Whether each accepted webhook has led to exactly what it should: counted at the target by Idempotency-Key, and in PostgreSQL.
import { setTimeout as sleep } from "node:timers/promises";
import type { Rig } from "./rig.ts";
import type { Ends, ServerMeters } from "./server-meters.ts";
import type { Workload } from "./workflows.ts";

/** The target hears of an execution before its end is committed. */
const COMMITTED_WITHIN_MS = 10_000;
const POLL_MS = 200;

/** Who counts what was sent, what came, and what PostgreSQL has of it. */
export interface Counters {
  readonly load: Pick<Rig["load"], "tally">;
  readonly target: Pick<Rig["target"], "counts">;
  readonly meters: Pick<ServerMeters, "ends">;
}

export interface Account {
  readonly figures: {
    readonly accepted: number;
    readonly refused: number;
    readonly lost: number;
    readonly doubled: number;
  };
  readonly notes: readonly string[];
}

/** Begins to count; what it resolves to ends it. */
export async function eachAccounted(counters: Counters, workload: Workload): Promise<() => Promise<Account>> {
  const names = workload.documents("").map(({ name }) => name);
  await counters.load.tally();
  await counters.target.counts();
  const before = await counters.meters.ends(names);
  return async () => {
    const tally = await counters.load.tally();
    const { accepted, refused } = tally;
    const ends = await committedEnds(counters.meters, names, before, accepted * workload.executions);
    const seen = await counters.target.counts();
    // Of one refused without an answer the execution may be there all the same.
    const surplus = Math.max(0, ends.total - (accepted + refused) * workload.executions);
    const lost = Math.max(
      tally.undone,
      accepted - tally.executionIds,
      accepted * workload.executions - ends.succeeded,
      0,
    );
    const missing = Math.max(0, accepted * workload.posts - seen.keys);
    return {
      figures: { accepted, refused, lost: Math.max(lost, missing), doubled: seen.doubled + surplus },
      notes: tally.refusals.map(([words, times]) => `${workload.name}: ${times} × refused: ${words}`),
    };
  };
}

async function committedEnds(
  meters: Counters["meters"],
  names: readonly string[],
  before: Ends,
  expected: number,
): Promise<Ends> {
  const deadlineMs = performance.now() + COMMITTED_WITHIN_MS;
  for (;;) {
    const now = await meters.ends(names);
    const ends = { total: now.total - before.total, succeeded: now.succeeded - before.succeeded };
    if (ends.succeeded >= expected || performance.now() > deadlineMs) return ends;
    await sleep(POLL_MS);
  }
}
