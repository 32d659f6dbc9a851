// Lays what was found beside what the model says: each execution's end, its steps, its outputs, and who started it.
//  An execution that fails at once, or is cancelled with its parent, has no one end for its other steps, but each of them
//  has but few: its own, `cancelled`, or `failed` where an attempt was let end and not tried again.
import { isDeepStrictEqual } from "node:util";
import type { FoundExecution, FoundStep } from "./found.ts";
import { tellsOfFailure, type ModelEnd, type ModelStep } from "./model.ts";
import { ON_FAILURE } from "./generator.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import type { Start } from "./starts.ts";

export interface Difference {
  readonly executionId: string;
  readonly what: string;
  readonly expected: unknown;
  readonly found: unknown;
}

interface Of {
  readonly isWaitedFor: boolean;
  /** Its parent's end may have cut it short. */
  readonly mayBeCancelled: boolean;
}

export function checkEnds(
  found: ReadonlyMap<string, FoundExecution>,
  starts: readonly Start[],
  plans: ReadonlyMap<string, Plan>,
  model: (plan: Plan, n: number) => ModelEnd,
): Difference[] {
  const differences: Difference[] = [];
  const seen = new Set<string>();
  const childrenOf = Map.groupBy(found.values(), ({ trigger }) => trigger.parentExecutionId ?? "");

  function differs(executionId: string, what: string, expected: unknown, actual: unknown): void {
    if (!isDeepStrictEqual(expected, actual)) differences.push({ executionId, what, expected, found: actual });
  }

  function check(execution: FoundExecution, plan: Plan, n: number, of: Of): void {
    const { id } = execution;
    seen.add(id);
    const end = model(plan, n);
    const cutShort = execution.status === "cancelled" && of.mayBeCancelled;
    const loose = cutShort || end.failAtOnce.length > 0;
    if (!cutShort) checkExecution(execution, plan, end);
    for (const step of plan.steps) {
      const actual = execution.steps.get(step.id);
      const should = end.steps.get(step.id)?.status;
      const status = actual?.status ?? "pending";
      const mayBe = loose && (status === "cancelled" || (status === "failed" && mayFail(step)));
      if (!mayBe) differs(id, `status of ${step.id}`, should, status);
      const inModel = end.of.get(step.id);
      if (actual !== undefined && inModel !== undefined && status === should) checkStep(id, actual, inModel);
    }
    checkChildren(execution, plan, end, loose);
  }

  function checkExecution(execution: FoundExecution, plan: Plan, end: ModelEnd): void {
    const { id, status, error } = execution;
    differs(id, "status", end.status, status);
    if (end.status === "failed") {
      const unhandled = end.failAtOnce.length > 0 ? end.failAtOnce : end.failAtLast;
      if (end.outputInvalid) differs(id, "error code", "OUTPUT_INVALID", error?.code);
      else if (!unhandled.includes(error?.step ?? "")) differs(id, "step of the error", unhandled, error);
    } else if (plan.output === null) {
      const leaves = plan.graph.leaves.filter((leaf) => end.steps.get(leaf)?.status === "succeeded");
      const outputs = leaves.map((leaf) => [leaf, execution.steps.get(leaf)?.output]);
      differs(id, "output", Object.fromEntries(outputs), execution.output);
    } else differs(id, "output", end.output, execution.output);
  }

  function checkStep(id: string, actual: FoundStep, inModel: ModelStep): void {
    const what = `of ${actual.step_id}`;
    differs(id, `error code ${what}`, inModel.errorCode, actual.error?.code ?? null);
    differs(id, `branch ${what}`, inModel.branch, actual.branch);
    if (inModel.value !== null) differs(id, `value ${what}`, inModel.value, valueIn(actual.output));
  }

  function checkChildren(execution: FoundExecution, plan: Plan, end: ModelEnd, loose: boolean): void {
    const children = Map.groupBy(childrenOf.get(execution.id) ?? [], ({ trigger }) => trigger.id ?? "");
    for (const step of plan.steps) {
      if (step.type !== "subworkflow") continue;
      const own = children.get(step.id) ?? [];
      children.delete(step.id);
      const inModel = end.of.get(step.id);
      const failed = inModel?.errorCode === "CHILD_FAILED";
      const count = (inModel?.childInput ?? null) === null ? 0 : failed ? step.maxAttempts : 1;
      if (loose ? own.length > count : own.length !== count)
        differs(
          execution.id,
          `children of ${step.id}`,
          count,
          own.map(({ id }) => id),
        );
      for (const child of own) {
        differs(child.id, "workflow", step.child, child.workflow_name);
        differs(child.id, "input", inModel?.childInput, child.input);
        const childPlan = plans.get(step.child);
        if (childPlan === undefined || !inModel?.childInput) continue;
        check(child, childPlan, inModel.childInput.n, { isWaitedFor: step.wait, mayBeCancelled: step.wait && loose });
      }
    }
    for (const [stepId, strays] of children) {
      if (stepId !== "onFailure")
        differs(
          execution.id,
          `children of ${stepId}`,
          [],
          strays.map(({ id }) => id),
        );
    }
    checkFailureTold(execution, plan, children.get("onFailure") ?? []);
  }

  function checkFailureTold(execution: FoundExecution, plan: Plan, told: readonly FoundExecution[]): void {
    const should = execution.status === "failed" && tellsOfFailure(plan, { isWaitedFor: execution.parent_id !== null });
    differs(execution.id, "executions told of its failure", should ? 1 : 0, told.length);
    const failurePlan = plans.get(ON_FAILURE);
    for (const one of told) {
      const { executionId, workflow, input } = one.input as {
        executionId: string;
        workflow: string;
        input: { n: number };
      };
      differs(one.id, "input", [execution.id, plan.name, execution.input], [executionId, workflow, input]);
      if (failurePlan !== undefined) check(one, failurePlan, input.n, { isWaitedFor: false, mayBeCancelled: false });
    }
  }

  for (const start of starts) {
    const ids = [...start.ids];
    if (ids.length === 0) {
      differs(start.key, "answers with 202", "one at the least", `none in ${start.requests} requests`);
      continue;
    }
    if (ids.length !== 1) differs(start.key, "executions of one key", 1, ids);
    const execution = found.get(ids[0] ?? "");
    if (execution === undefined) {
      differs(start.key, "an accepted start", "an execution", ids);
      continue;
    }
    differs(execution.id, "workflow", start.plan.name, execution.workflow_name);
    differs(execution.id, "input", start.input, execution.input);
    check(execution, start.plan, start.input.n, { isWaitedFor: false, mayBeCancelled: false });
  }
  for (const { id, workflow_name, trigger } of found.values()) {
    if (!seen.has(id)) differs(id, "an execution that nobody asked for", null, { workflow_name, trigger });
  }
  return differences;
}

/** An attempt that fails need not be its last. */
function mayFail(step: PlannedStep): boolean {
  return step.type === "subworkflow" || (step.type === "http" && step.behaviour.failures !== 0);
}

function valueIn(output: unknown): unknown {
  if (typeof output !== "object" || output === null) return output;
  if ("v" in output) return output.v;
  return "body" in output ? valueIn(output.body) : output;
}
