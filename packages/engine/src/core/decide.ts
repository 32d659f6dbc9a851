// The engine's one decision: (graph, state, event) → state, commands, and what is recorded of it.
// Pure and total: no I/O, no clock, no chance; an event that does not fit the state changes nothing.
//  I3. Ended executions and step runs change by `retryRequested` alone.
//  I4. A step starts only when all its incoming edges are decided; at most one attempt of it is live.
import { assertNever, isEnded, type StepError } from "@keelson/contracts";
import type { Graph } from "@keelson/dag";
import { advance, cancelSteps, hasNothingLeft } from "./advance.ts";
import {
  attemptEnded,
  attemptGivenUp,
  attemptLost,
  childEnded,
  stepEvaluated,
  waitEnded,
  waitsForChild,
} from "./attempts.ts";
import { changeExecution, openDraft, type Draft, type FinishedAttempt } from "./draft.ts";
import type { Command, EngineEvent, HistoryEvent, OutputResult } from "./messages.ts";
import { restart } from "./restart.ts";
import type { ExecutionState } from "./state.ts";

export interface Decision {
  readonly state: ExecutionState;
  /** In the order in which they were asked for. */
  readonly commands: readonly Command[];
  readonly events: readonly HistoryEvent[];
  readonly attempts: readonly FinishedAttempt[];
  /** Ids of the step runs that differ from before. */
  readonly changed: readonly string[];
}

/** Owners lost in a row, without an attempt's outcome, after which an execution is given up (WORKER_LOST). */
export const MAX_LOSSES = 3;

export function decide(graph: Graph, state: ExecutionState, event: EngineEvent): Decision {
  const draft = openDraft(graph, state);
  if (event.kind === "retryRequested") restart(draft, event);
  else if (!isEnded(state.status)) apply(draft, event);
  return {
    state: { ...draft.execution, steps: draft.steps },
    commands: draft.commands,
    events: draft.events,
    attempts: draft.attempts,
    changed: [...draft.changed],
  };
}

function apply(draft: Draft, event: Exclude<EngineEvent, { kind: "retryRequested" }>): void {
  switch (event.kind) {
    case "claimed":
      claimed(draft, event.at, event.losses);
      return;
    case "holdLifted":
      draft.execution = { ...draft.execution, held: false };
      return;
    case "evaluated":
      stepEvaluated(draft, event.stepId, event.result, event.at);
      advanceIfChanged(draft, event.at);
      return;
    case "attemptEnded":
      attemptEnded(draft, event.stepId, event.attempt, event.outcome, event.at, event.random);
      advanceIfChanged(draft, event.at);
      return;
    case "childEnded":
      if (!waitsForChild(draft, event.stepId, event.childId)) return;
      wake(draft);
      childEnded(draft, event.stepId, event.childId, event.result, event.at, event.random);
      advance(draft, event.at);
      return;
    case "timerFired":
      timerFired(draft, event.at, event.random);
      return;
    case "stepWoken":
      stepWoken(draft, event.stepId, event.at, event.random);
      return;
    case "outputEvaluated":
      outputEvaluated(draft, event.result);
      return;
    case "cancelRequested":
      cancelSteps(draft, event.at, { code: "EXECUTION_CANCELLED", values: {} }, "abort");
      changeExecution(draft, { status: "cancelled" });
      return;
    case "parked":
      parked(draft);
      return;
    default:
      assertNever(event);
  }
}

/** A worker has the lease: attempts in flight were lost with the former owner, and whatever is ready begins. */
function claimed(draft: Draft, at: number, losses: number): void {
  if (expired(draft, at)) return;
  if (draft.execution.held) return;
  if (losses >= MAX_LOSSES) {
    giveUp(draft, at, losses);
    return;
  }
  changeExecution(draft, { status: "running", startedAt: draft.execution.startedAt ?? at });
  for (const step of draft.steps.values()) {
    if (step.status !== "running") continue;
    if (step.sentAt !== null) attemptLost(draft, step.id, at);
    else draft.commands.push({ kind: "evaluate", stepId: step.id });
  }
  advance(draft, at);
}

/** Whoever runs this dies of it: it is failed rather than walk through the whole fleet. */
function giveUp(draft: Draft, at: number, losses: number): void {
  const message = `${losses} workers in a row died with this execution before any attempt had an outcome; retry it once the cause is mended`;
  const error: StepError = { code: "WORKER_LOST", message };
  for (const step of draft.steps.values()) {
    if (step.status === "running") attemptGivenUp(draft, step.id, error, losses, at);
  }
  cancelSteps(draft, at, { code: "WORKER_LOST", values: { losses } }, "abort");
  changeExecution(draft, { status: "failed", error }, { code: error.code });
}

function timerFired(draft: Draft, at: number, random: number): void {
  if (expired(draft, at) || draft.execution.status === "queued") return;
  for (const step of draft.steps.values()) {
    if (step.status !== "waiting" || step.dueAt === null || step.dueAt > at) continue;
    wake(draft);
    waitEnded(draft, step.id, at, random);
  }
  advanceIfChanged(draft, at);
}

function stepWoken(draft: Draft, stepId: string, at: number, random: number): void {
  const step = draft.steps.get(stepId);
  if (step === undefined || step.status !== "waiting" || step.wait === "child") return;
  if (draft.execution.status === "queued") return;
  wake(draft);
  waitEnded(draft, stepId, at, random);
  advance(draft, at);
}

/** The deadline has passed: attempts are aborted, the rest is cancelled, no error edge is followed. */
function expired(draft: Draft, at: number): boolean {
  const { deadlineAt } = draft.execution;
  if (deadlineAt === null || deadlineAt > at) return false;
  const error: StepError = {
    code: "EXECUTION_TIMEOUT",
    message: `The execution did not end by its deadline, ${new Date(deadlineAt).toISOString()}`,
  };
  cancelSteps(
    draft,
    at,
    { code: "EXECUTION_TIMED_OUT", values: { deadlineAt: new Date(deadlineAt).toISOString() } },
    "abort",
  );
  changeExecution(draft, { status: "failed", error }, { code: error.code });
  return true;
}

function outputEvaluated(draft: Draft, result: OutputResult): void {
  if (draft.execution.status === "queued" || draft.execution.failing !== null || !hasNothingLeft(draft)) return;
  if (result.ok) changeExecution(draft, { status: "succeeded", output: result.output });
  else changeExecution(draft, { status: "failed", error: result.error }, { code: result.error.code });
}

/** What did not fit the state asks for nothing either. */
function advanceIfChanged(draft: Draft, at: number): void {
  if (draft.changed.size > 0) advance(draft, at);
}

/** Only what a wait will end may be parked: neither a step that runs nor an execution that nobody has begun. */
function parked(draft: Draft): void {
  if (draft.execution.status !== "running") return;
  const steps = [...draft.steps.values()];
  const waits = steps.some((step) => step.status === "waiting") && !steps.some((step) => step.status === "running");
  if (waits) changeExecution(draft, { status: "waiting" });
}

function wake(draft: Draft): void {
  if (draft.execution.status === "waiting") changeExecution(draft, { status: "running" });
}
