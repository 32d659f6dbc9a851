// How an execution must end, told from its plan and its input alone.
import { expectedEnd, type ExpectedEnd } from "@keelson/engine/testing/reference";
import { hasValue } from "./document.ts";
import { answerOf, branchOf, ERROR_VALUE, isRetried, MODULUS, type Plan, type PlannedStep } from "./plan.ts";
import { ON_FAILURE } from "./generator.ts";

export interface ModelStep {
  /** Of its output; null: it has none that could be told beforehand. */
  readonly value: number | null;
  readonly branch: string | null;
  /** What its child is started with; null: it starts none. */
  readonly childInput: { readonly n: number } | null;
  readonly errorCode: string | null;
}

export interface ModelEnd extends ExpectedEnd {
  readonly status: "succeeded" | "failed";
  /** Of steps that run. */
  readonly of: ReadonlyMap<string, ModelStep>;
  /** Null: it has failed, or its output is that of the leaves. */
  readonly output: { readonly v: number } | null;
  /** All steps end as they should, and the output's template cannot be evaluated. */
  readonly outputInvalid: boolean;
}

type Ends = (plan: Plan, n: number) => ModelEnd;

/** Remembers what it has told: sub-workflows are asked for again and again. */
export function createModel(plans: ReadonlyMap<string, Plan>): Ends {
  const told = new Map<string, ModelEnd>();
  const endOf: Ends = (plan, n) => {
    const key = `${plan.name} ${n}`;
    const end = told.get(key) ?? interpret(plan, n, plans, endOf);
    told.set(key, end);
    return end;
  };
  return endOf;
}

function interpret(plan: Plan, n: number, plans: ReadonlyMap<string, Plan>, endOf: Ends): ModelEnd {
  const of = new Map<string, ModelStep>();
  const stepsById = new Map(plan.steps.map((step) => [step.id, step]));

  function valueOf(sources: readonly string[], strict: boolean, add: number): number | null {
    let sum = n + add;
    for (const id of sources) {
      const step = stepsById.get(id);
      const end = of.get(id);
      if (strict && step !== undefined && hasValue(step) && (end === undefined || end.value === null)) return null;
      sum += (end?.value ?? 0) + (end !== undefined && end.errorCode !== null ? ERROR_VALUE : 0);
    }
    return sum % MODULUS;
  }

  const reference = expectedEnd(
    plan.graph,
    ({ id }) => {
      const step = stepsById.get(id);
      if (step === undefined) throw new Error(`${plan.name} has no step ${id}.`);
      const end = runStep(step, valueOf(step.sources, step.strict, step.add), plans, endOf);
      of.set(id, end);
      return { status: end.errorCode === null ? "succeeded" : "failed", branch: end.branch };
    },
    new Map(),
  );
  const fails = reference.failAtOnce.length + reference.failAtLast.length > 0;
  const v = fails || plan.output === null ? null : valueOf(plan.output.sources, plan.output.strict, 0);
  const outputInvalid = !fails && plan.output !== null && v === null;
  return {
    ...reference,
    of,
    status: fails || outputInvalid ? "failed" : "succeeded",
    output: v === null ? null : { v },
    outputInvalid,
  };
}

function runStep(step: PlannedStep, value: number | null, plans: ReadonlyMap<string, Plan>, endOf: Ends): ModelStep {
  const nothing = { value: null, branch: null, childInput: null, errorCode: null };
  if (step.type === "delay") return nothing;
  if (value === null) return { ...nothing, errorCode: "EXPRESSION_FAILED" };
  switch (step.type) {
    case "transform":
      return { ...nothing, value };
    case "condition": {
      const branch = branchOf(step, value);
      return branch === null ? { ...nothing, errorCode: "NO_CASE" } : { ...nothing, branch };
    }
    case "http": {
      const errorCode = httpErrorOf(step);
      return errorCode === null ? { ...nothing, value: answerOf(value) } : { ...nothing, errorCode };
    }
    case "subworkflow": {
      const child = plans.get(step.child);
      if (child === undefined) throw new Error(`No workflow ${step.child}.`);
      const childInput = { n: value };
      if (!step.wait) return { ...nothing, childInput };
      const end = endOf(child, value);
      if (end.status === "failed") return { ...nothing, childInput, errorCode: "CHILD_FAILED" };
      return { ...nothing, childInput, value: end.output?.v ?? null };
    }
  }
}

function httpErrorOf(step: PlannedStep & { type: "http" }): string | null {
  const { failures, how } = step.behaviour;
  const ends = failures === "always" || failures >= step.maxAttempts || (failures > 0 && !isRetried(how));
  if (!ends) return null;
  return how === "refuse" ? "HTTP_REFUSED" : how === "reset" ? "HTTP_NETWORK" : "HTTP_STATUS";
}

/** Whether its failure starts the workflow that it names. */
export function tellsOfFailure(plan: Plan, execution: { readonly isWaitedFor: boolean }): boolean {
  return plan.onFailure === ON_FAILURE && !execution.isWaitedFor;
}
