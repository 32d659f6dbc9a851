// Lays the target's record beside the history: each effect at least once, always with the same key and the same bytes,
// and once more only where a fault has cut an attempt off.
import type { Difference } from "./check-ends.ts";
import { LEASE_TTL_MS } from "./cluster.ts";
import type { InjectedFault } from "./driver.ts";
import type { FoundAttempt, FoundExecution, LostIncarnation } from "./found.ts";
import type { Plan } from "./plan.ts";
import type { KeyRecord } from "./target.ts";

export interface Effects {
  readonly differences: readonly Difference[];
  readonly keys: number;
  readonly requests: number;
  /** Requests beyond those of attempts whose outcome is known. */
  readonly extra: number;
  /** Attempts whose outcome nobody knows. */
  readonly inDoubt: number;
  /** Those of a worker that no fault struck: the machine was too slow for its lease. */
  readonly starved: number;
}

const AROUND_A_FAULT_MS = 250;

export function checkEffects(
  byKey: ReadonlyMap<string, KeyRecord>,
  found: ReadonlyMap<string, FoundExecution>,
  attempts: readonly FoundAttempt[],
  plans: ReadonlyMap<string, Plan>,
  faults: readonly InjectedFault[],
  lost: readonly LostIncarnation[],
): Effects {
  const differences: Difference[] = [];
  const attemptsOf = Map.groupBy(attempts, ({ execution_id, step_id }) => `${execution_id}.${step_id}`);
  const unknown = new Set(byKey.keys());
  let extra = 0;
  let inDoubt = 0;
  let starved = 0;
  let requests = 0;

  for (const execution of found.values()) {
    for (const step of plans.get(execution.workflow_name)?.steps ?? []) {
      if (step.type !== "http") continue;
      const key = `${execution.id}.${step.id}`;
      unknown.delete(key);
      const differs = (what: string, expected: unknown, actual: unknown): void =>
        void differences.push({ executionId: execution.id, what: `${what} of ${step.id}`, expected, found: actual });
      const { arrivedAt, bytes } = byKey.get(key) ?? { arrivedAt: [], bytes: new Set<string>() };
      const own = attemptsOf.get(key) ?? [];
      const state = execution.steps.get(step.id);
      const doubtful = own.filter(({ outcome }) => outcome === "in_doubt");
      const settled = own.length - doubtful.length;
      const failed = own.filter(({ outcome }) => outcome === "failed" || outcome === "timed_out").length;
      requests += arrivedAt.length;
      inDoubt += doubtful.length;
      extra += Math.max(0, arrivedAt.length - settled);
      const happened = state?.status === "succeeded" || state?.error?.code.startsWith("HTTP_") === true;
      if (happened && arrivedAt.length === 0) differs("requests", "at least one", 0);
      if (bytes.size > 1) differs("different bytes under one key", 1, bytes.size);
      if (arrivedAt.length > own.length) differs("requests without an attempt", own.length, arrivedAt.length);
      if (failed > step.maxAttempts) differs("failed attempts", step.maxAttempts, failed);
      for (const attempt of doubtful) {
        if (faults.some((fault) => cutOff(fault, attempt))) continue;
        if (lost.some((incarnation) => tookAway(incarnation, attempt))) starved += 1;
        else differs("an attempt in doubt", "a fault while it was under way", attempt);
      }
    }
  }
  for (const key of unknown) {
    differences.push({ executionId: key, what: "an effect that no step has", expected: null, found: byKey.get(key) });
  }
  return { differences, keys: byKey.size, requests, extra, inDoubt, starved };
}

function tookAway(incarnation: LostIncarnation, attempt: FoundAttempt): boolean {
  return incarnation.renewed_at <= attempt.finished_at && incarnation.lease_until >= attempt.started_at;
}

/** What a fault has left behind, such as a lease to be freed, may cut attempts off as well: a lease's time longer. */
function cutOff(fault: InjectedFault, attempt: FoundAttempt): boolean {
  if (!fault.kind.cutsAttempts) return false;
  const overAt = (fault.endedAt ?? Infinity) + LEASE_TTL_MS;
  return attempt.started_at.getTime() <= overAt && attempt.finished_at.getTime() >= fault.at - AROUND_A_FAULT_MS;
}
