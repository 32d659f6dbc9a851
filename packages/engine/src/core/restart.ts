// Retry of an ended execution: what failed unhandled or was cancelled runs anew with all downstream of it,
// everything else is kept. `from` adds an ended step and all downstream of it.
import { isEnded } from "@keelson/contracts";
import { isHandled } from "./advance.ts";
import { changeExecution, changeStep, nodeOf, stepOf, type Draft } from "./draft.ts";
import type { EngineEvent } from "./messages.ts";
import { pendingStep, type StepState } from "./state.ts";

export function restart(draft: Draft, event: Extract<EngineEvent, { kind: "retryRequested" }>): void {
  if (draft.execution.status !== "failed" && draft.execution.status !== "cancelled") return;
  const broken = [...draft.steps.values()].filter((step) => ranInVain(draft, step)).map((step) => step.id);
  const asked = event.from !== null && isStepKnown(draft, event.from) ? [event.from] : [];
  const anew = downstream(draft, [...broken, ...asked]);
  if (anew.size === 0) return;
  const belowFrom = downstream(draft, asked);
  for (const id of anew)
    runAnew(draft, stepOf(draft, id), {
      broken: broken.includes(id),
      belowFrom: belowFrom.has(id),
      isFrom: id === event.from,
    });
  changeExecution(
    draft,
    { status: "queued", held: event.held, failing: null, error: null, output: null, deadlineAt: event.deadlineAt },
    { retry: true, from: event.from },
  );
}

function ranInVain(draft: Draft, step: StepState): boolean {
  return step.status === "cancelled" || (step.status === "failed" && !isHandled(draft, step.id));
}

function isStepKnown(draft: Draft, id: string): boolean {
  return isEnded(draft.execution.status) && draft.steps.has(id);
}

/** The steps named and all that come after them. */
function downstream(draft: Draft, ids: readonly string[]): Set<string> {
  const found = new Set(ids);
  for (const id of found) for (const follower of nodeOf(draft, id).followers) found.add(follower);
  return found;
}

/**
 * A step whose last outcome is unknown keeps key and bytes, lest its effect happen twice; unless `from` lies above it.
 * A child that failed is itself retried; below `from` a new child is started.
 */
function runAnew(draft: Draft, step: StepState, how: { broken: boolean; belowFrom: boolean; isFrom: boolean }): void {
  const keeps = step.inDoubt && (!how.belowFrom || how.isFrom);
  const childGoesOn = how.broken && !how.belowFrom && step.childId !== null && step.startedAt !== null;
  const iter = step.iter + 1;
  const fresh: StepState = {
    ...pendingStep(step.id),
    iter,
    keyIter: keeps || step.attempt === 0 ? step.keyIter : step.keyIter + 1,
    input: keeps ? step.input : null,
    inDoubt: keeps,
  };
  if (!childGoesOn) {
    changeStep(draft, step.id, fresh);
    return;
  }
  draft.commands.push({ kind: "retryChild", stepId: step.id, childId: step.childId });
  changeStep(draft, step.id, {
    ...fresh,
    status: "waiting",
    attempt: 1,
    wait: "child",
    input: step.input,
    childId: step.childId,
    startedAt: step.startedAt,
    reason: { code: "CHILD_RUNNING", values: { executionId: step.childId } },
  });
}
