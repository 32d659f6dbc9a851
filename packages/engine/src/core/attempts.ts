// A step run's own life, from ready to ended: evaluation, attempts, waits. One named function per arrow.
import { assertNever, type Json, type StepError } from "@keelson/contracts";
import { beginFailing } from "./advance.ts";
import { changeStep, nodeOf, recordAttempt, stepOf, type Draft } from "./draft.ts";
import type { AttemptOutcome, ChildResult, Evaluation } from "./messages.ts";
import { judgeRetry } from "./retry.ts";
import type { StepState } from "./state.ts";

/** What a ready step's templates came to decides how it goes on. */
export function stepEvaluated(draft: Draft, id: string, result: Evaluation, at: number): void {
  const step = draft.steps.get(id);
  if (step === undefined || step.status !== "running" || step.sentAt !== null) return;
  const attempt = step.attempt + 1;
  switch (result.kind) {
    case "output":
      stepSucceeded(draft, id, result.output, at, { attempt });
      return;
    case "branch":
      stepSucceeded(draft, id, { branch: result.branch }, at, { attempt, branch: result.branch });
      return;
    case "until":
      delayStarted(draft, id, result.untilAt, at);
      return;
    case "request":
      changeStep(draft, id, { input: result.input });
      attemptStarted(draft, id, at);
      return;
    case "child":
      childStarted(draft, id, result, at);
      return;
    case "failed":
      stepFailed(draft, id, { ...result.error, step: id }, at, { attempt: Math.max(1, step.attempt) });
      return;
    default:
      assertNever(result);
  }
}

/** The attempt's start and its frozen input are committed before the effect begins (I1). */
export function attemptStarted(draft: Draft, id: string, at: number): void {
  const step = stepOf(draft, id);
  const attempt = step.attempt + 1;
  changeStep(draft, id, { status: "running", attempt, sentAt: at, wait: null, dueAt: null, inDoubt: false });
  draft.events.push({ type: "attempt.started", stepId: id, attempt });
  draft.commands.push({ kind: "perform", stepId: id, attempt });
}

/** The owner died with this attempt in flight: nobody knows what became of it, and it counts for nothing. */
export function attemptLost(draft: Draft, id: string, at: number): void {
  recordLoss(draft, stepOf(draft, id));
  if (draft.execution.failing !== null) {
    const reason = { code: "EXECUTION_FAILED" as const, values: { error: draft.execution.failing.code } };
    changeStep(draft, id, { status: "cancelled", finishedAt: at, sentAt: null, inDoubt: true, reason });
  } else {
    attemptStarted(draft, id, at);
  }
}

/** Whoever performs this step dies of it: what is in flight is the last attempt. */
export function attemptGivenUp(draft: Draft, id: string, error: StepError, losses: number, at: number): void {
  const step = stepOf(draft, id);
  const inFlight = step.sentAt !== null;
  if (inFlight) recordLoss(draft, step);
  changeStep(draft, id, {
    status: "failed",
    error: { ...error, step: id },
    finishedAt: at,
    sentAt: null,
    inDoubt: inFlight || step.inDoubt,
    reason: { code: "WORKER_LOST", values: { losses } },
  });
}

function recordLoss(draft: Draft, step: StepState): void {
  recordAttempt(draft, step, "in_doubt", null, null);
  draft.events.push({
    type: "attempt.failed",
    stepId: step.id,
    attempt: step.attempt,
    data: { code: "WORKER_LOST", inDoubt: true },
  });
}

export function attemptEnded(
  draft: Draft,
  id: string,
  attempt: number,
  outcome: AttemptOutcome,
  at: number,
  random: number,
): void {
  const step = draft.steps.get(id);
  if (step === undefined || step.status !== "running" || step.sentAt === null || step.attempt !== attempt) return;
  if (outcome.kind === "succeeded") {
    recordAttempt(draft, step, "succeeded", null, null);
    stepSucceeded(draft, id, outcome.output, at, {});
  } else {
    attemptFailed(draft, id, outcome, at, random);
  }
}

/** Another child's end, or one that comes too late, is none of the step's business. */
export function waitsForChild(draft: Draft, id: string, childId: string): boolean {
  const step = draft.steps.get(id);
  return step !== undefined && step.status === "waiting" && step.wait === "child" && step.childId === childId;
}

/** The child that the step waits for has ended. */
export function childEnded(
  draft: Draft,
  id: string,
  childId: string,
  result: ChildResult,
  at: number,
  random: number,
): void {
  const step = stepOf(draft, id);
  if (result.status === "succeeded") {
    recordAttempt(draft, step, "succeeded", null, null);
    stepSucceeded(draft, id, result.output, at, {});
    return;
  }
  const error: StepError = {
    code: "CHILD_FAILED",
    message: `Child execution ${childId} ended ${result.status}${result.error === null ? "" : `: ${result.error.message}`}`,
    details: { executionId: childId, status: result.status, error: (result.error as Json | null) ?? null },
  };
  attemptFailed(draft, id, { kind: "failed", error, retryable: true, inDoubt: false }, at, random);
}

/** A wait is over: a delay succeeds, a backoff begins its next attempt, a child has used up its time. */
export function waitEnded(draft: Draft, id: string, at: number, random: number): void {
  const step = stepOf(draft, id);
  switch (step.wait) {
    case "delay":
      stepSucceeded(draft, id, { until: new Date(step.dueAt ?? at).toISOString() }, at, {});
      return;
    case "backoff":
      backoffEnded(draft, step, at);
      return;
    case "child": {
      if (step.childId !== null) draft.commands.push({ kind: "cancelChild", stepId: id, childId: step.childId });
      const error: StepError = {
        code: "STEP_TIMEOUT",
        message: `Child execution ${step.childId} did not end within the step's time-out`,
      };
      attemptFailed(draft, id, { kind: "failed", error, retryable: true, inDoubt: false }, at, random);
      return;
    }
    case null:
      return;
    default:
      assertNever(step.wait);
  }
}

function backoffEnded(draft: Draft, step: StepState, at: number): void {
  if (nodeOf(draft, step.id).type === "http") {
    attemptStarted(draft, step.id, at);
    return;
  }
  changeStep(draft, step.id, { status: "running", wait: null, dueAt: null, sentAt: null, childId: null });
  draft.commands.push({ kind: "evaluate", stepId: step.id });
}

function delayStarted(draft: Draft, id: string, untilAt: number, at: number): void {
  const until = new Date(untilAt).toISOString();
  if (untilAt <= at) {
    stepSucceeded(draft, id, { until }, at, { attempt: 1 });
    return;
  }
  changeStep(draft, id, {
    status: "waiting",
    attempt: 1,
    wait: "delay",
    dueAt: untilAt,
    reason: { code: "DELAYED", values: { until } },
  });
}

function childStarted(draft: Draft, id: string, child: Extract<Evaluation, { kind: "child" }>, at: number): void {
  const step = stepOf(draft, id);
  const attempt = step.attempt + 1;
  const { timeoutMs } = nodeOf(draft, id);
  draft.commands.push({ kind: "startChild", stepId: id, childId: child.childId, wait: child.wait });
  draft.events.push({ type: "attempt.started", stepId: id, attempt, data: { childExecutionId: child.childId } });
  if (!child.wait) {
    recordAttempt(draft, { ...step, attempt, sentAt: at }, "succeeded", null, null);
    stepSucceeded(draft, id, { executionId: child.childId }, at, {
      attempt,
      input: child.input,
      childId: child.childId,
    });
    return;
  }
  changeStep(draft, id, {
    status: "waiting",
    attempt,
    input: child.input,
    childId: child.childId,
    wait: "child",
    sentAt: at,
    dueAt: timeoutMs === null ? null : at + timeoutMs,
    reason: { code: "CHILD_RUNNING", values: { executionId: child.childId } },
  });
}

function attemptFailed(
  draft: Draft,
  id: string,
  outcome: Extract<AttemptOutcome, { kind: "failed" }>,
  at: number,
  random: number,
): void {
  const step = stepOf(draft, id);
  const node = nodeOf(draft, id);
  const error: StepError = { ...outcome.error, step: id };
  const failures = step.failures + 1;
  const verdict = judgeRetry(node.retry, {
    retryable: outcome.retryable,
    failures,
    elapsedMs: at - (step.startedAt ?? at),
    retryAfterMs: outcome.retryAfterMs ?? null,
    random,
  });
  const retries = verdict.kind === "retry" && draft.execution.failing === null;
  const nextAttemptAt = retries ? at + verdict.delayMs : null;
  const counts = { attempt: step.attempt, failures, maxAttempts: node.retry.maxAttempts, error: error.code };
  recordAttempt(draft, step, error.code === "STEP_TIMEOUT" ? "timed_out" : "failed", error, nextAttemptAt);
  draft.events.push({
    type: "attempt.failed",
    stepId: id,
    attempt: step.attempt,
    data: { code: error.code, nextAttemptAt: nextAttemptAt === null ? null : new Date(nextAttemptAt).toISOString() },
  });
  if (nextAttemptAt === null) {
    const code = verdict.kind === "giveUp" ? verdict.why : "EXECUTION_FAILED";
    stepFailed(draft, id, error, at, { failures, inDoubt: outcome.inDoubt, reason: { code, values: counts } });
    return;
  }
  const reason = {
    code: "RETRY_SCHEDULED" as const,
    values: { ...counts, nextAttemptAt: new Date(nextAttemptAt).toISOString() },
  };
  changeStep(draft, id, {
    status: "waiting",
    failures,
    error,
    inDoubt: outcome.inDoubt,
    wait: "backoff",
    sentAt: null,
    dueAt: nextAttemptAt,
    reason,
  });
}

function stepSucceeded(draft: Draft, id: string, output: Json, at: number, more: Partial<StepState>): void {
  changeStep(draft, id, {
    ...more,
    status: "succeeded",
    output: { kind: "value", value: output },
    error: null,
    inDoubt: false,
    wait: null,
    dueAt: null,
    sentAt: null,
    finishedAt: at,
  });
}

/** The end of a step run that failed; where neither an error edge nor `continue` stands ready, the execution is failing. */
function stepFailed(draft: Draft, id: string, error: StepError, at: number, more: Partial<StepState>): void {
  const node = nodeOf(draft, id);
  changeStep(draft, id, { ...more, status: "failed", error, wait: null, dueAt: null, sentAt: null, finishedAt: at });
  if (node.onError !== "continue" && !node.hasErrorEdges) beginFailing(draft, error, at);
}
