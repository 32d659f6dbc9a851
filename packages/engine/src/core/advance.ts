// What follows from what has ended: steps become ready or are skipped, and at the last the execution ends.
import { isStepEnded, type StepError } from "@keelson/contracts";
import { changeExecution, changeStep, nodeOf, recordAttempt, stepOf, type Draft } from "./draft.ts";
import { judgeJoin } from "./edges.ts";
import type { Reason, StepState } from "./state.ts";

/** Decides every pending step that can be decided; a skip decides the steps behind it in turn. A queued execution waits. */
export function advance(draft: Draft, at: number): void {
  if (draft.execution.status === "queued") return;
  if (draft.execution.failing === null) {
    for (const level of draft.graph.levels) {
      for (const id of level) decidePending(draft, id, at);
    }
  }
  endIfNothingIsLeft(draft);
}

function decidePending(draft: Draft, id: string, at: number): void {
  if (stepOf(draft, id).status !== "pending") return;
  const verdict = judgeJoin(
    nodeOf(draft, id),
    (source) => stepOf(draft, source),
    (source) => nodeOf(draft, source).onError,
  );
  switch (verdict.kind) {
    case "waits":
      return;
    case "skipped":
      changeStep(draft, id, { status: "skipped", finishedAt: at, reason: verdict.reason });
      return;
    case "runs":
      changeStep(draft, id, { status: "running", startedAt: at, sentAt: null, reason: verdict.reason });
      draft.commands.push({ kind: "evaluate", stepId: id });
      return;
  }
}

/** Ends the execution when no step can change any more; a success first needs its output. */
function endIfNothingIsLeft(draft: Draft): void {
  if (!hasNothingLeft(draft)) return;
  const error = draft.execution.failing ?? firstUnhandledFailure(draft);
  if (error !== null) changeExecution(draft, { status: "failed", error }, { code: error.code });
  else draft.commands.push({ kind: "evaluateOutput" });
}

export function hasNothingLeft(draft: Draft): boolean {
  for (const step of draft.steps.values()) if (!isStepEnded(step.status)) return false;
  return true;
}

/** The earliest failure that nothing handled; null where every failure was. */
export function firstUnhandledFailure(draft: Draft): StepError | null {
  let first: StepState | null = null;
  for (const step of draft.steps.values()) {
    if (step.status !== "failed" || isHandled(draft, step.id)) continue;
    if (first === null || (step.finishedAt ?? 0) < (first.finishedAt ?? 0)) first = step;
  }
  return first?.error ?? null;
}

/** A failure is handled by `onError: continue`, or by a step that ran on one of its error edges. */
export function isHandled(draft: Draft, id: string): boolean {
  const node = nodeOf(draft, id);
  if (node.onError === "continue") return true;
  return node.followers.some((follower) => {
    const ran = stepOf(draft, follower).startedAt !== null;
    return ran && listensToErrors(draft, follower, id);
  });
}

function listensToErrors(draft: Draft, follower: string, id: string): boolean {
  return nodeOf(draft, follower).entries.some((entry) => entry.step === id && entry.branch === "error");
}

/** The first failure that nothing can handle: nothing new begins, what waits is cancelled, attempts that run are let end. */
export function beginFailing(draft: Draft, error: StepError, at: number): void {
  if (draft.execution.failing !== null) return;
  draft.execution = { ...draft.execution, failing: error };
  cancelSteps(
    draft,
    at,
    { code: "EXECUTION_FAILED", values: { step: error.step ?? null, error: error.code } },
    "letAttemptsEnd",
  );
}

/** Cancels every step that has not ended; attempts in flight are aborted, or let end within their time-out. */
export function cancelSteps(draft: Draft, at: number, reason: Reason, inFlight: "abort" | "letAttemptsEnd"): void {
  for (const step of draft.steps.values()) {
    if (isStepEnded(step.status)) continue;
    const attemptRuns = step.status === "running" && step.sentAt !== null;
    if (attemptRuns && inFlight === "letAttemptsEnd") continue;
    if (attemptRuns || step.wait === "child") breakOff(draft, step);
    changeStep(draft, step.id, {
      status: "cancelled",
      finishedAt: at,
      wait: null,
      dueAt: null,
      sentAt: null,
      inDoubt: attemptRuns || step.inDoubt,
      reason,
    });
  }
}

function breakOff(draft: Draft, step: StepState): void {
  if (step.wait !== "child") draft.commands.push({ kind: "abort", stepId: step.id });
  else if (step.childId !== null) {
    draft.commands.push({ kind: "cancelChild", stepId: step.id, childId: step.childId });
  }
  recordAttempt(draft, step, "cancelled", null, null);
}
