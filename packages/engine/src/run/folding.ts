// The decisions between two commits: feeds events to decide(), evaluates what it asks for, gathers the batch.
// Knows nothing of leases, commits and effects.
//  F1. A batch stays small: once it is full, what is left to evaluate is owed until it is committed. A step that is owed
//      runs without having been sent: should the process die, whoever claims the execution next evaluates it.
import type { CompiledWorkflow } from "@keelson/dag";
import { decide } from "../core/decide.ts";
import type { Command, EngineEvent, Evaluation, OutputResult } from "../core/messages.ts";
import { pendingStep, type ExecutionState } from "../core/state.ts";
import { addDecision, emptyBatch, type Batch, type Fed } from "./batch.ts";
import type { Evaluator } from "./evaluate.ts";
import { lighten, sizeUpTo } from "./lighten.ts";
import type { ClaimedExecution, Clock, EffectResult } from "./ports.ts";

export interface Folding {
  readonly state: ExecutionState;
  readonly batch: Batch;
  /** Decides one event, and at once whatever needs no commit before it, until the batch is full. */
  feed(fed: Fed): Promise<void>;
  /** The batch is to be committed before more is fed. */
  readonly isFull: boolean;
  /** Something is left to evaluate once the batch is committed. */
  readonly owes: boolean;
  /** Goes on with what is owed. */
  resume(): Promise<void>;
  /** The batch is committed: the next one begins. */
  settle(): void;
  /**
   * PostgreSQL refuses what the batch carries: decides the same events again, each payload replaced by its step's
   * failure (T9). False if that has been done already.
   */
  refeedWithoutPayloads(): Promise<boolean>;
}

const UNSTORABLE = "PostgreSQL could not store what this yielded";
/** From so many bytes of values on a batch is full: they are in memory several times while they are sent. */
const FULL_BYTES = 1024 * 1024;

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
  /** Commands yet to be carried out, the next one first; and how they stood when the batch began. */
  let owed: Command[] = [];
  let owedBefore: readonly Command[] = [];
  let evaluations = 0;
  /** Of a batch that is decided again: as many as it held. */
  let mostEvaluations = Number.POSITIVE_INFINITY;

  async function feed(fed: Fed): Promise<void> {
    batch.fed.push(fed);
    batch.bytes += sizeOfFed(fed);
    if (fed.inboxId !== undefined) batch.eaten.push(fed.inboxId);
    if (fed.event !== null) decideEvent(fed.event, fed.effect);
    await resume();
  }

  function decideEvent(event: EngineEvent, effect?: EffectResult): void {
    const decision = decide(workflow.graph, state, event);
    state = decision.state;
    addDecision(batch, execution.executionId, decision, effect);
    owed.unshift(...decision.commands);
  }

  function isFull(): boolean {
    return batch.bytes >= FULL_BYTES || evaluations >= mostEvaluations;
  }

  async function resume(): Promise<void> {
    for (let command = owed[0]; command !== undefined; command = owed[0]) {
      if (command.kind === "evaluate" && isFull()) return;
      owed.shift();
      await carryOut(command);
    }
  }

  async function carryOut(command: Command): Promise<void> {
    switch (command.kind) {
      case "evaluate":
        await evaluateStep(command.stepId);
        break;
      case "evaluateOutput":
        decideEvent({ kind: "outputEvaluated", at: clock.nowAt(), result: await evaluateOutput() });
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
    batch.bytes += sizeOfEvaluation(result);
    evaluations += 1;
    decideEvent({ kind: "evaluated", at: clock.nowAt(), stepId, result });
  }

  return {
    get state() {
      return state;
    },
    get batch() {
      return batch;
    },
    get isFull() {
      return isFull();
    },
    get owes() {
      return owed.length > 0;
    },
    feed,
    resume,
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
      owedBefore = [...owed];
      evaluations = 0;
      mostEvaluations = Number.POSITIVE_INFINITY;
    },
    async refeedWithoutPayloads() {
      if (withoutPayloads) return false;
      withoutPayloads = true;
      const { fed } = batch;
      state = committed;
      batch = emptyBatch();
      // What that batch left for the next one is left again.
      mostEvaluations = owed.length > 0 ? evaluations : Number.POSITIVE_INFINITY;
      owed = [...owedBefore];
      evaluations = 0;
      await resume();
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

function sizeOfFed({ event, effect }: Fed): number {
  if (effect?.outcome.kind === "succeeded") return sizeUpTo(effect.outcome.output, FULL_BYTES);
  if (event?.kind !== "childEnded" || event.result.status !== "succeeded") return 0;
  return sizeUpTo(event.result.output, FULL_BYTES);
}

function sizeOfEvaluation(result: Evaluation): number {
  if (result.kind === "output") return sizeUpTo(result.output, FULL_BYTES);
  return result.kind === "request" || result.kind === "child" ? sizeUpTo(result.input, FULL_BYTES) : 0;
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
