// How an execution has ended, held against the reference. What fails at once has no one end for its other steps, but each of
// them has but few.
import type { StepError, StepStatus } from "@keelson/contracts";
import { check, checkEqual } from "./invariants.ts";
import type { ExpectedEnd } from "./reference.ts";

export interface Ended {
  readonly status: string;
  readonly error: StepError | null;
  readonly steps: Iterable<{ readonly id: string; readonly status: StepStatus }>;
}

/** Throws where it is not as it should be. `failsAtFirst`: whether an attempt of that step fails that would be tried again. */
export function checkEnd(expected: ExpectedEnd, ended: Ended, failsAtFirst: (stepId: string) => boolean): void {
  const failsAtOnce = expected.failAtOnce.length > 0;
  for (const { id, status } of ended.steps) {
    const should = expected.steps.get(id)?.status;
    if (status === should) continue;
    // An attempt that was let end is not tried again, and whatever had not begun by then is cancelled.
    const notTriedAgain = status === "failed" && failsAtFirst(id);
    check(failsAtOnce && (status === "cancelled" || notTriedAgain), `'${id}' is ${status} instead of ${should}`);
  }
  const unhandled = failsAtOnce ? expected.failAtOnce : expected.failAtLast;
  checkEqual(ended.status, unhandled.length > 0 ? "failed" : "succeeded", "The execution's end");
  if (unhandled.length === 0) return;
  check(unhandled.includes(ended.error?.step ?? ""), `It fails with the error of '${ended.error?.step}'`);
}
