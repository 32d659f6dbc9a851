// The effects of one execution's attempts that are under way here. Each begins after its commit and under a live lease.
import { failPoint, type Json, type TraceContext } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import type { ExecutionState } from "../core/state.ts";
import { idempotencyKey, type Fed } from "./batch.ts";
import type { Evaluator } from "./evaluate.ts";
import type { ClaimedExecution, Clock, EffectResult, ExecutionTracing, SecretStore } from "./ports.ts";
import { scopeOfStep, secretsNamed, stepsNamed } from "./scope.ts";
import type { StepKinds } from "./step-kind.ts";
import { makeStorable } from "./storable.ts";
import type { Turns } from "./turns.ts";

/** Something of the engine's own, such as PostgreSQL, did not answer, or the attempt was broken off: try again. */
const NOT_PREPARED: EffectResult = {
  outcome: {
    kind: "failed",
    error: { code: "HTTP_NETWORK", message: "The attempt could not be prepared; nothing was sent" },
    retryable: true,
    inDoubt: false,
  },
  request: null,
  response: null,
};

export interface Effects {
  readonly running: number;
  begin(state: ExecutionState, stepId: string, attempt: number): void;
  abort(stepId: string): void;
  abortAll(): void;
}

/** An effect's end, for metrics and logs. */
export interface AttemptReport {
  readonly stepId: string;
  /** The step's type. */
  readonly type: string;
  readonly attempt: number;
  /** `succeeded`, or the error's code. */
  readonly outcome: string;
  readonly durationMs: number;
  /** What kept it from being prepared: for the log alone, since it may tell of what is not the tenant's business. */
  readonly cause?: unknown;
}

export interface EffectsDeps {
  readonly kinds: StepKinds;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly tracing: ExecutionTracing;
  readonly turns: Turns;
  readonly lease: { isLive(): boolean };
  /** The lease may have expired before an effect could begin: nothing more is to be done here. */
  readonly leaseEnded: () => void;
  /** The attempt's outcome, as an event to feed. */
  readonly ended: (fed: Fed) => void;
  readonly attempted: (attempt: AttemptReport) => void;
}

export function createEffects(
  deps: EffectsDeps,
  execution: ClaimedExecution,
  workflow: CompiledWorkflow,
  evaluator: Evaluator,
): Effects {
  const running = new Map<string, AbortController>();

  function begin(state: ExecutionState, stepId: string, attempt: number): void {
    const controller = new AbortController();
    const beganMs = deps.clock.monotonicMs();
    running.set(stepId, controller);
    const type = workflow.graph.byId.get(stepId)?.type ?? "unknown";
    const traced = deps.tracing.attempt(execution, { stepId, type, attempt });
    let failed: { readonly cause?: unknown } = {};
    const performed = perform(state, stepId, traced.context, controller.signal).catch((cause: unknown) => {
      failed = { cause };
      return NOT_PREPARED;
    });
    void performed.then((effect) => {
      if (running.get(stepId) === controller) running.delete(stepId);
      const outcome = effect.outcome.kind === "succeeded" ? "succeeded" : effect.outcome.error.code;
      traced.ended(outcome);
      deps.attempted({ stepId, type, attempt, outcome, durationMs: deps.clock.monotonicMs() - beganMs, ...failed });
      const event = {
        kind: "attemptEnded" as const,
        at: deps.clock.nowAt(),
        stepId,
        attempt,
        outcome: effect.outcome,
        random: deps.clock.random(),
      };
      failPoint("worker.outcome.judged");
      deps.ended({ event, effect });
    });
  }

  /** Rejects where the effect could not be prepared: nothing was sent. */
  async function perform(
    state: ExecutionState,
    stepId: string,
    trace: TraceContext | null,
    signal: AbortSignal,
  ): Promise<EffectResult> {
    const step = workflow.graph.byId.get(stepId);
    const compiled = workflow.steps.get(stepId);
    const run = state.steps.get(stepId);
    if (step === undefined || compiled === undefined || run === undefined)
      throw new Error(`No step '${stepId}' to perform`);
    const kind = deps.kinds[step.type];
    if (kind.perform === undefined) throw new Error(`Steps of type '${step.type}' have no effect to perform`);
    const names = secretsNamed(compiled);
    const secrets = names.length === 0 ? new Map<string, string>() : await deps.secrets.read(execution.tenantId, names);
    const outputs = await evaluator.outputs(state, stepsNamed(compiled));
    // Reading may have taken its time.
    if (!deps.lease.isLive()) deps.leaseEnded();
    if (signal.aborted) return NOT_PREPARED;
    failPoint("worker.effect.beginning");
    const effect = await kind.perform({
      step,
      compiled,
      scope: scopeOfStep(execution, state, outputs, run, secrets),
      input: run.input,
      idempotencyKey: idempotencyKey(execution.executionId, stepId, run.keyIter),
      trace,
      signal,
      inTurn: (work) =>
        deps.turns.run(execution.tenantId, () => {
          // Waiting may have taken its time, too.
          if (!deps.lease.isLive()) deps.leaseEnded();
          return work();
        }),
    });
    return storableEffect(effect);
  }

  return {
    get running() {
      return running.size;
    },
    begin,
    abort: (stepId) => running.get(stepId)?.abort(),
    abortAll() {
      for (const controller of running.values()) controller.abort();
    },
  };
}

function storableEffect(effect: EffectResult): EffectResult {
  const { outcome } = effect;
  if (outcome.kind === "failed") {
    const details = makeStorable(outcome.error.details ?? null);
    return { ...effect, outcome: { ...outcome, error: withDetails(outcome.error, details.ok ? details.value : null) } };
  }
  const kept = makeStorable(outcome.output);
  if (kept.ok) return { ...effect, outcome: { ...outcome, output: kept.value } };
  const error = { code: "TOO_LARGE" as const, message: `The step's output cannot be stored: ${kept.why}` };
  return { ...effect, outcome: { kind: "failed", error, retryable: false, inDoubt: false } };
}

function withDetails<E extends { readonly details?: Json }>(error: E, details: Json): E {
  return error.details === undefined ? error : { ...error, details };
}
