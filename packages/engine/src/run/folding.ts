// The decisions between two commits: feeds events to decide(), evaluates what it asks for, gathers the batch.
// Knows nothing of leases, commits and effects.
import type { CompiledWorkflow } from "@keelson/dag";
import { decide } from "../core/decide.ts";
import type { EngineEvent, Evaluation, OutputResult } from "../core/messages.ts";
import { pendingStep, type ExecutionState } from "../core/state.ts";
import { addDecision, emptyBatch, type Batch, type Fed } from "./batch.ts";
import type { Evaluator } from "./evaluate.ts";
import { lighten } from "./lighten.ts";
import type { ClaimedExecution, Clock, EffectResult } from "./ports.ts";

export interface Folding {
  readonly state: ExecutionState;
  readonly batch: Batch;
  /** Decides one event, and at once whatever needs no commit before it. */
  feed(fed: Fed): Promise<void>;
  /** The batch is committed: the next one begins. */
  settle(): void;
  /**
   * PostgreSQL refuses what the batch carries: decides the same events again, each payload replaced by its step's
   * failure (T9). False if that has been done already.
   */
  refeedWithoutPayloads(): Promise<boolean>;
}

const UNSTORABLE = "PostgreSQL could not store what this yielded";

export function createFolding(
  clock: Clock,
  execution: ClaimedExecution,
  workflow: CompiledWorkflow,
  evaluator: Evaluator,
): Folding {
  let state = initialState(execution, workflow);
  let committed = state;
  let batch = emptyBatch();
  let withoutPayloads = false;

  async function feed(fed: Fed): Promise<void> {
    batch.fed.push(fed);
    if (fed.inboxId !== undefined) batch.eaten.push(fed.inboxId);
    if (fed.event !== null) await decideEvent(fed.event, fed.effect);
  }

  async function decideEvent(event: EngineEvent, effect?: EffectResult): Promise<void> {
    const decision = decide(workflow.graph, state, event);
    state = decision.state;
    addDecision(batch, execution.executionId, decision, effect);
    for (const command of decision.commands) {
      switch (command.kind) {
        case "evaluate":
          await evaluateStep(command.stepId);
          break;
        case "evaluateOutput":
          await decideEvent({ kind: "outputEvaluated", at: clock.nowAt(), result: await evaluateOutput() });
          break;
        case "perform":
          batch.performs.push(command);
          break;
        case "abort":
          batch.aborts.push(command.stepId);
          break;
        case "cancelChild":
          batch.cancels.push(command.childId);
          break;
        case "startChild":
        case "retryChild":
          // The child's row is in the batch since its evaluation; a retry's children are the store's work.
          break;
      }
    }
  }

  function evaluateOutput(): OutputResult | Promise<OutputResult> {
    if (!withoutPayloads) return evaluator.output(state);
    return { ok: false, error: { code: "OUTPUT_INVALID", message: UNSTORABLE } };
  }

  async function evaluateStep(stepId: string): Promise<void> {
    if (state.steps.get(stepId)?.status !== "running") return;
    const { result, child } = withoutPayloads
      ? { result: failedEvaluation(), child: null }
      : await evaluator.step(state, stepId);
    if (child !== null) batch.children.push(child);
    await decideEvent({ kind: "evaluated", at: clock.nowAt(), stepId, result });
  }

  return {
    get state() {
      return state;
    },
    get batch() {
      return batch;
    },
    feed,
    settle() {
      const steps = new Map(state.steps);
      for (const id of batch.changed) {
        const step = steps.get(id);
        if (step !== undefined) steps.set(id, lighten(step));
      }
      state = { ...state, steps };
      committed = state;
      batch = emptyBatch();
      withoutPayloads = false;
    },
    async refeedWithoutPayloads() {
      if (withoutPayloads) return false;
      withoutPayloads = true;
      const { fed } = batch;
      state = committed;
      batch = emptyBatch();
      for (const one of fed) await feed(withoutPayload(one));
      return true;
    },
  };
}

export function initialState(execution: ClaimedExecution, workflow: CompiledWorkflow): ExecutionState {
  const known = new Map(execution.steps.map((step) => [step.id, step]));
  return {
    id: execution.executionId,
    status: execution.status,
    held: execution.held,
    failing: execution.failing,
    startedAt: execution.startedAt,
    deadlineAt: execution.deadlineAt,
    steps: new Map(workflow.graph.steps.map(({ id }) => [id, known.get(id) ?? pendingStep(id)])),
    output: null,
    error: null,
  };
}

function failedEvaluation(): Evaluation {
  return { kind: "failed", error: { code: "TOO_LARGE", message: UNSTORABLE } };
}

function withoutPayload(fed: Fed): Fed {
  const { event, effect: _payload, ...rest } = fed;
  if (event?.kind === "attemptEnded") {
    const outcome = {
      kind: "failed" as const,
      error: { code: "TOO_LARGE" as const, message: UNSTORABLE },
      retryable: false,
      inDoubt: false,
    };
    return { ...rest, event: { ...event, outcome } };
  }
  if (event?.kind === "childEnded") {
    return {
      ...rest,
      event: { ...event, result: { status: "failed", error: { code: "TOO_LARGE", message: UNSTORABLE } } },
    };
  }
  return { ...rest, event };
}
