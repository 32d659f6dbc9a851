// How an execution must end and what its steps yield, told from its workflow and input alone. A step's value is made of the
// values above it, so that anything wrong shows further down.
import type { Json } from "@keelson/contracts";
import type { GraphStep } from "@keelson/dag";
import { branchOf, endOf, isWaitingSubworkflow, type RandomWorkflow } from "../../../core/testing/random-graphs.ts";
import { expectedEnd, type ExpectedEnd } from "../../../core/testing/reference.ts";

export interface ModelEnd extends ExpectedEnd {
  readonly fails: boolean;
  /** Of what its leaves yield, added up. */
  readonly value: number;
}

/** `child`: what sub-workflow steps start; null: none may. */
export function modelOf(workflow: RandomWorkflow, child: RandomWorkflow | null, input: number): ModelEnd {
  const values = new Map<string, number>();

  function runStep(step: GraphStep) {
    const fate = workflow.fates.get(step.id);
    if (fate === undefined) throw new Error(`No fate for '${step.id}'`);
    const given = valueGiven(step, input, (id) => values.get(id) ?? 0);
    if (!isWaitingSubworkflow(step)) {
      const end = endOf(step, fate);
      const yields = end.status === "succeeded" && (step.type === "http" || step.type === "transform");
      values.set(step.id, yields ? given + 1 : 0);
      return end;
    }
    const below = child === null || !fate.evaluates ? null : modelOf(child, null, given);
    if (below === null || below.fails) return { status: "failed" as const, branch: null };
    values.set(step.id, below.value);
    return { status: "succeeded" as const, branch: null };
  }

  const end = expectedEnd(workflow.graph, runStep, new Map());
  const succeeded = workflow.graph.leaves.filter((id) => end.steps.get(id)?.status === "succeeded");
  return {
    ...end,
    fails: end.failAtOnce.length + end.failAtLast.length > 0,
    value: succeeded.reduce((sum, id) => sum + (values.get(id) ?? 0), 0),
  };
}

/** What a step is given: the input, and the values of those it comes after. */
export function valueGiven(step: GraphStep, input: number, valueOf: (stepId: string) => number): number {
  const above = new Set(step.entries.map((entry) => entry.step));
  return [...above].reduce((sum, id) => sum + valueOf(id), input);
}

/** All numbers `v` within, added up: of a step's output, or of an execution's. */
export function valueIn(output: Json): number {
  if (output === null || typeof output !== "object" || Array.isArray(output)) return 0;
  return Object.entries(output).reduce((sum, [name, inner]) => {
    return sum + (name === "v" && typeof inner === "number" ? inner : valueIn(inner));
  }, 0);
}

export { branchOf };
