// The working copy of one decision: the folded state, and what has been said so far. Lives only inside decide().
import type { StepError, StepStatus } from "@keelson/contracts";
import type { Graph, GraphStep } from "@keelson/dag";
import type { Command, HistoryEvent } from "./messages.ts";
import type { ExecutionState, StepState } from "./state.ts";

/** An attempt whose outcome this decision records; the runner adds what was sent and answered. */
export interface FinishedAttempt {
  readonly stepId: string;
  readonly iter: number;
  readonly keyIter: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly outcome: "succeeded" | "failed" | "timed_out" | "cancelled" | "in_doubt";
  readonly error: StepError | null;
  readonly nextAttemptAt: number | null;
}

export interface Draft {
  readonly graph: Graph;
  execution: Omit<ExecutionState, "steps">;
  readonly steps: Map<string, StepState>;
  readonly changed: Set<string>;
  readonly commands: Command[];
  readonly events: HistoryEvent[];
  readonly attempts: FinishedAttempt[];
}

export function openDraft(graph: Graph, state: ExecutionState): Draft {
  const { steps, ...execution } = state;
  return { graph, execution, steps: new Map(steps), changed: new Set(), commands: [], events: [], attempts: [] };
}

export function stepOf(draft: Draft, id: string): StepState {
  const step = draft.steps.get(id);
  if (step === undefined) throw new Error(`No step run '${id}' in execution ${draft.execution.id}`);
  return step;
}

export function nodeOf(draft: Draft, id: string): GraphStep {
  const node = draft.graph.byId.get(id);
  if (node === undefined) throw new Error(`No step '${id}' in the graph of execution ${draft.execution.id}`);
  return node;
}

/** Replaces fields of a step run; a change of status is recorded as `step.<status>`. */
export function changeStep(draft: Draft, id: string, change: Partial<StepState>): StepState {
  const before = stepOf(draft, id);
  const after = inOrder({ ...before, ...change });
  draft.steps.set(id, after);
  draft.changed.add(id);
  if (after.status !== before.status) recordStep(draft, after.status, after);
  return after;
}

/** What another worker began by its estimate of the time may lie a moment after the present by one's own. */
function inOrder(step: StepState): StepState {
  const { startedAt, finishedAt } = step;
  return startedAt === null || finishedAt === null || startedAt <= finishedAt
    ? step
    : { ...step, finishedAt: startedAt };
}

/** Records how an attempt came out, with when it was begun. */
export function recordAttempt(
  draft: Draft,
  step: StepState,
  outcome: FinishedAttempt["outcome"],
  error: StepError | null,
  nextAttemptAt: number | null,
): void {
  const { id: stepId, iter, keyIter, attempt } = step;
  draft.attempts.push({ stepId, iter, keyIter, attempt, startedAt: step.sentAt ?? 0, outcome, error, nextAttemptAt });
}

function recordStep(draft: Draft, status: StepStatus, step: StepState): void {
  const data = {
    ...(step.branch !== null && status === "succeeded" ? { branch: step.branch } : {}),
    ...(step.error !== null && status === "failed" ? { code: step.error.code } : {}),
    ...(step.wait !== null && status === "waiting" ? { wait: step.wait } : {}),
    ...(step.dueAt !== null && status === "waiting" ? { dueAt: new Date(step.dueAt).toISOString() } : {}),
  };
  draft.events.push({
    type: `step.${status}`,
    stepId: step.id,
    ...(step.attempt > 0 ? { attempt: step.attempt } : {}),
    ...(Object.keys(data).length > 0 ? { data } : {}),
  });
}

/** Replaces fields of the execution; a change of status is recorded as `execution.<status>`. */
export function changeExecution(
  draft: Draft,
  change: Partial<Omit<ExecutionState, "steps">>,
  data?: HistoryEvent["data"],
): void {
  const before = draft.execution.status;
  draft.execution = { ...draft.execution, ...change };
  if (draft.execution.status !== before) {
    draft.events.push({ type: `execution.${draft.execution.status}`, ...(data === undefined ? {} : { data }) });
  }
}
