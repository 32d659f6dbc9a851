// Retry of an ended execution: what failed unhandled or was cancelled runs anew with all downstream of it,
// everything else is kept. `from` adds an ended step and all downstream of it.
import { isHandled } from "./advance.ts";
import { changeExecution, changeStep, nodeOf, stepOf, type Draft } from "./draft.ts";
import type { EngineEvent } from "./messages.ts";
import { pendingStep, type StepState } from "./state.ts";

export function restart(draft: Draft, event: Extract<EngineEvent, { kind: "retryRequested" }>): void {
  if (draft.execution.status !== "failed" && draft.execution.status !== "cancelled") return;
  const broken = [...draft.steps.values()].filter((step) => ranInVain(draft, step)).map((step) => step.id);
  const asked = event.from !== null && draft.steps.has(event.from) ? [event.from] : [];
  const anew = downstream(draft, [...broken, ...asked]);
  if (anew.size === 0) return;
  const belowFrom = downstream(draft, asked);
  for (const id of anew) {
    const step = stepOf(draft, id);
    const waitsAgain = nodeOf(draft, id).entries.some((entry) => anew.has(entry.step));
    if (broken.includes(id) && !belowFrom.has(id) && !waitsAgain && step.childId !== null) {
      childGoesOn(draft, step, step.childId, event.at);
    } else runAnew(draft, step, step.inDoubt && (!belowFrom.has(id) || id === event.from));
  }
  changeExecution(
    draft,
    { status: "queued", held: event.held, failing: null, error: null, output: null, deadlineAt: event.deadlineAt },
    { retry: true, from: event.from },
  );
}

function ranInVain(draft: Draft, step: StepState): boolean {
  if (step.status === "cancelled") return true;
  return step.status === "failed" && (step.error?.code === "WORKER_LOST" || !isHandled(draft, step.id));
}

/** The steps named and all that come after them. */
function downstream(draft: Draft, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  for (const id of found) for (const follower of nodeOf(draft, id).followers) found.add(follower);
  return found;
}

/** What is kept is kept lest the effect happen twice: the last outcome is unknown, and nothing above was asked for. */
function runAnew(draft: Draft, step: StepState, keepsKeyAndBytes: boolean): void {
  const unused = step.attempt === 0 && !step.inDoubt;
  changeStep(draft, step.id, {
    ...pendingStep(step.id),
    iter: step.iter + 1,
    keyIter: keepsKeyAndBytes || unused ? step.keyIter : step.keyIter + 1,
    input: keepsKeyAndBytes ? step.input : null,
    inDoubt: keepsKeyAndBytes,
  });
}

/** A child that failed is itself retried, unless something above it runs anew first; its step's time-out begins anew. */
function childGoesOn(draft: Draft, step: StepState, childId: string, at: number): void {
  const { timeoutMs } = nodeOf(draft, step.id);
  draft.commands.push({ kind: "retryChild", stepId: step.id, childId });
  draft.events.push({ type: "attempt.started", stepId: step.id, attempt: 1, data: { childExecutionId: childId } });
  changeStep(draft, step.id, {
    ...pendingStep(step.id),
    iter: step.iter + 1,
    keyIter: step.keyIter + 1,
    status: "waiting",
    attempt: 1,
    wait: "child",
    input: step.input,
    childId,
    startedAt: at,
    sentAt: at,
    dueAt: timeoutMs === null ? null : at + timeoutMs,
    reason: { code: "CHILD_RUNNING", values: { executionId: childId } },
  });
}
