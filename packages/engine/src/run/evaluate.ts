// Evaluating an execution's templates: loads the outputs they name, hands them a scope, and turns what goes wrong
// into the step's failure. Nothing here touches the world but through the ports.
import { LIMITS, type Json, type StepError } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import { EvaluationError, evaluateTemplate, toText } from "@keelson/expressions";
import type { Evaluation, OutputResult } from "../core/messages.ts";
import type { ExecutionState } from "../core/state.ts";
import { planChild, type ChildPlannerDeps } from "./children.ts";
import type { ChildStart, ClaimedExecution, ExecutionStore } from "./ports.ts";
import { scopeOfExecution, scopeOfStep, stepsNamed, stepsNamedByOutput } from "./scope.ts";
import type { StepKinds } from "./step-kind.ts";
import { makeStorable } from "./storable.ts";
import type { Turns } from "./turns.ts";

export interface EvaluatorDeps extends ChildPlannerDeps {
  readonly store: Pick<ExecutionStore, "loadOutputs">;
  readonly kinds: StepKinds;
  /** Of this worker: each evaluation waits for its tenant's turn. */
  readonly turns: Turns;
}

/** The session was dropped while an evaluation waited for its turn: there is nothing more to do. */
export class SessionDropped extends Error {
  override readonly name = "SessionDropped";
}

export interface Evaluator {
  step(
    state: ExecutionState,
    stepId: string,
  ): Promise<{ readonly result: Evaluation; readonly child: ChildStart | null }>;
  output(state: ExecutionState): Promise<OutputResult>;
  labels(state: ExecutionState): Promise<{ readonly [name: string]: string }>;
  /** The outputs that the named steps' records need, loaded where they lie in PostgreSQL. */
  outputs(state: ExecutionState, stepIds: Iterable<string>): Promise<ReadonlyMap<string, Json>>;
}

export function createEvaluator(
  deps: EvaluatorDeps,
  execution: ClaimedExecution,
  workflow: CompiledWorkflow,
  isDropped: () => boolean = () => false,
): Evaluator {
  return { step, output, labels, outputs };

  async function step(state: ExecutionState, stepId: string) {
    const node = workflow.graph.byId.get(stepId);
    const compiled = workflow.steps.get(stepId);
    const run = state.steps.get(stepId);
    if (node === undefined || compiled === undefined || run === undefined)
      throw new Error(`No step '${stepId}' to evaluate`);
    let child: ChildStart | null = null;
    try {
      const scope = scopeOfStep(execution, state, await outputs(state, stepsNamed(compiled)), run);
      const result = await inTurn(() =>
        deps.kinds[node.type].evaluate({
          step: node,
          compiled,
          scope,
          frozen: run.input,
          at: deps.clock.nowAt(),
          planChild: async (request) => {
            const planned = await planChild(deps, execution, stepId, request);
            child = planned.child;
            return planned.evaluation;
          },
        }),
      );
      return { result: storable(result), child };
    } catch (error) {
      return { result: { kind: "failed" as const, error: evaluationFailure(error) }, child: null };
    }
  }

  async function output(state: ExecutionState): Promise<OutputResult> {
    const loaded = await outputs(state, stepsNamedByOutput(workflow));
    try {
      const scope = scopeOfExecution(execution, state, loaded);
      const { output: template } = workflow;
      const value =
        template === null ? leafOutputs(state, loaded) : await inTurn(() => evaluateTemplate(template, scope));
      const kept = makeStorable(value);
      if (kept.ok) return { ok: true, output: kept.value };
      return {
        ok: false,
        error: { code: "OUTPUT_INVALID", message: `The execution's output cannot be stored: ${kept.why}` },
      };
    } catch (error) {
      const { message } = evaluationFailure(error);
      return {
        ok: false,
        error: { code: "OUTPUT_INVALID", message: `The execution's output cannot be evaluated: ${message}` },
      };
    }
  }

  /** Without an output template: the outputs of the succeeded leaves, by step id. */
  function leafOutputs(state: ExecutionState, loaded: ReadonlyMap<string, Json>): Json {
    const succeeded = workflow.graph.leaves.filter((id) => state.steps.get(id)?.status === "succeeded");
    return Object.fromEntries(succeeded.map((id) => [id, outputOf(state, loaded, id)]));
  }

  async function labels(state: ExecutionState) {
    const scope = scopeOfExecution(execution, state, new Map());
    const found: Record<string, string> = {};
    for (const [name, template] of workflow.labels) {
      try {
        const text = makeStorable(toText(await inTurn(() => evaluateTemplate(template, scope))));
        if (text.ok && typeof text.value === "string")
          found[name] = text.value.slice(0, LIMITS.labelChars).toWellFormed();
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
      }
    }
    return found;
  }

  function inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    return deps.turns.run(execution.tenantId, () => {
      if (isDropped()) throw new SessionDropped();
      return work();
    });
  }

  async function outputs(state: ExecutionState, stepIds: Iterable<string>): Promise<ReadonlyMap<string, Json>> {
    const stored = [...stepIds].filter((id) => state.steps.get(id)?.output.kind === "stored");
    return stored.length === 0 ? new Map() : deps.store.loadOutputs(execution, stored);
  }
}

function outputOf(state: ExecutionState, loaded: ReadonlyMap<string, Json>, id: string): Json {
  const output = state.steps.get(id)?.output;
  return output?.kind === "value" ? output.value : (loaded.get(id) ?? null);
}

/** An evaluation that can be stored; what cannot becomes the step's failure. */
function storable(result: Evaluation): Evaluation {
  if (result.kind !== "output" && result.kind !== "request" && result.kind !== "child") return result;
  const kept = makeStorable(result.kind === "output" ? result.output : result.input);
  if (!kept.ok) {
    const what = result.kind === "output" ? "output" : "input";
    return {
      kind: "failed",
      error: { code: "TOO_LARGE", message: `The step's ${what} cannot be stored: ${kept.why}` },
    };
  }
  return result.kind === "output" ? { ...result, output: kept.value } : { ...result, input: kept.value };
}

export function evaluationFailure(error: unknown): StepError {
  if (!(error instanceof EvaluationError)) throw error;
  return { code: error.code, message: error.message };
}
