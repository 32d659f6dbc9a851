// The document of a planned workflow, as its author would write it.
import { HOOK_TRIGGER } from "../support/engine.ts";
import { ERROR_VALUE, MODULUS, type Plan, type PlannedStep } from "./plan.ts";

const RETRY = { initialDelay: "50ms", maxDelay: "300ms" };

export function documentOf(plan: Omit<Plan, "document" | "graph">, targetUrl: string): object {
  return {
    name: plan.name,
    ...(plan.hook ? { triggers: [HOOK_TRIGGER] } : {}),
    ...(plan.onFailure === null ? {} : { onFailure: plan.onFailure }),
    timeout: "6h",
    steps: plan.steps.map((step) => stepOf(step, plan, targetUrl)),
    ...(plan.output === null ? {} : { output: { v: `{{ ${expressionOf(plan.output, 0, plan.steps)} }}` } }),
  };
}

function stepOf(step: PlannedStep, plan: Omit<Plan, "document" | "graph">, targetUrl: string): object {
  const value = expressionOf(step, step.add, plan.steps);
  return {
    id: step.id,
    type: step.type,
    dependsOn: step.entries,
    ...(step.join === null ? {} : { join: step.join }),
    ...(step.continues ? { onError: "continue" } : {}),
    ...detailsOf(step, value, `${targetUrl}/${plan.name}/${step.id}`),
  };
}

function detailsOf(step: PlannedStep, value: string, url: string): object {
  switch (step.type) {
    case "transform":
      return { config: { output: { v: `{{ ${value} }}` } } };
    case "http": {
      const { failures, how, delayMs } = step.behaviour;
      const config = {
        method: "POST",
        url: `${url}?failures=${failures}&how=${how}&delayMs=${delayMs}`,
        // What must not change from one attempt to the next, and would if it were evaluated anew elsewhere.
        body: { v: `{{ ${value} }}`, at: "{{ now() }}", once: "{{ uuid() }}", step: step.id },
        successIf: "response.body.refused != true",
      };
      return { retry: { maxAttempts: step.maxAttempts, ...RETRY }, timeout: "2m", config };
    }
    case "condition": {
      if (step.branches === 2) return { config: { if: `(${value}) % 2 == 0` } };
      const cases = [
        { branch: "a", if: `(${value}) % 3 == 0` },
        { branch: "b", if: `(${value}) % 3 == 1` },
      ];
      // A branch that is never the outcome is still one that edges may name.
      const last = step.otherwise ? { otherwise: "c" } : { cases: [...cases, { branch: "c", if: "false" }] };
      return { config: { cases, ...last } };
    }
    case "delay":
      return { config: { for: `${step.ms}ms` } };
    case "subworkflow": {
      const config = { workflow: step.child, wait: step.wait, input: { n: `{{ ${value} }}` } };
      return { retry: { maxAttempts: step.maxAttempts, ...RETRY }, config };
    }
  }
}

function expressionOf(
  of: { readonly sources: readonly string[]; readonly strict: boolean },
  add: number,
  steps: readonly PlannedStep[],
): string {
  const terms = of.sources.flatMap((id) => {
    const step = steps.find((each) => each.id === id);
    const error = `(steps.${id}.error == null ? 0 : ${ERROR_VALUE})`;
    if (step === undefined || !hasValue(step)) return [error];
    const path = step.type === "http" ? ["body", "v"] : ["v"];
    const read = of.strict ? `steps.${id}.output.${path.join(".")}` : `(steps.${id}.output?.${path.join("?.")} ?? 0)`;
    return [read, error];
  });
  return `(${["input.n", add, ...terms].join(" + ")}) % ${MODULUS}`;
}

/** Others have nothing in their output that could be told beforehand. */
export function hasValue(step: PlannedStep): boolean {
  return (
    step.type === "transform" ||
    step.type === "http" ||
    (step.type === "subworkflow" && step.wait && step.childHasValue)
  );
}
