// Short ways to write the steps of a test's graph, and the graph that the engine would run.
import type { JsonObject } from "@keelson/contracts";
import { parseDefinition, type CompiledWorkflow, type Graph } from "@keelson/dag";
import { pendingStep, type ExecutionState } from "../state.ts";

/** A step of a document, as its author would write it. */
export type StepDocument = JsonObject & { readonly id: string };

/** One attempt, unless `more` says otherwise. */
export function http(id: string, dependsOn: readonly string[] = [], more: JsonObject = {}): StepDocument {
  const config = { method: "POST", url: "https://target.example/", body: { step: id } };
  return { id, type: "http", dependsOn, retry: { maxAttempts: 1 }, config, ...more };
}

export function transform(id: string, dependsOn: readonly string[] = [], more: JsonObject = {}): StepDocument {
  return { id, type: "transform", dependsOn, config: { output: id }, ...more };
}

/** With the branches named, or `true` and `false`; none of the named ones is `otherwise`. */
export function condition(
  id: string,
  dependsOn: readonly string[] = [],
  branches: readonly string[] = [],
  more: JsonObject = {},
): StepDocument {
  const cases = branches.map((branch) => ({ branch, if: "true" }));
  return { id, type: "condition", dependsOn, config: cases.length === 0 ? { if: "true" } : { cases }, ...more };
}

export function delay(id: string, dependsOn: readonly string[] = [], more: JsonObject = {}): StepDocument {
  return { id, type: "delay", dependsOn, config: { for: "1s" }, ...more };
}

export function subworkflow(id: string, dependsOn: readonly string[] = [], more: JsonObject = {}): StepDocument {
  return { id, type: "subworkflow", dependsOn, config: { workflow: "child" }, ...more };
}

export function workflowOf(steps: readonly StepDocument[], more: JsonObject = {}): CompiledWorkflow {
  const parsed = parseDefinition({ name: "under-test", steps, ...more });
  if (!parsed.ok) throw new Error(`The test's document is wrong: ${JSON.stringify(parsed.problems)}`);
  return parsed.workflow;
}

export function queuedExecution(graph: Graph, change: Partial<ExecutionState> = {}): ExecutionState {
  return {
    id: "execution",
    status: "queued",
    held: false,
    failing: null,
    startedAt: null,
    deadlineAt: null,
    steps: new Map(graph.steps.map(({ id }) => [id, pendingStep(id)])),
    output: null,
    error: null,
    ...change,
  };
}

/** Makes every later write to the value throw, those to Maps and Sets included. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map || value instanceof Set) {
    for (const method of ["set", "add", "delete", "clear"]) {
      if (method in value) Object.defineProperty(value, method, { value: refuseWrite });
    }
    for (const inner of value.values()) deepFreeze(inner);
  }
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

function refuseWrite(): never {
  throw new TypeError("This collection is frozen");
}
