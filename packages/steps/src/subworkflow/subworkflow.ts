// A subworkflow step starts a child; each attempt is a new one, of the version and with the input of the first.
import { isJsonObject, type Json } from "@keelson/contracts";
import { evaluateTemplate } from "@keelson/expressions";
import type { ChildRequest, StepKind } from "@keelson/engine";
import { wrongStep } from "../wrong-step.ts";

export const subworkflowStep: StepKind = {
  evaluate({ compiled, scope, frozen, planChild }) {
    if (compiled.type !== "subworkflow") throw wrongStep("subworkflow", compiled);
    const { workflow, version, wait } = compiled;
    const first = frozen === null ? null : frozenChild(frozen);
    if (first !== null) return planChild({ ...first, wait });
    return planChild({
      workflow,
      version,
      wait,
      input: compiled.input === null ? null : evaluateTemplate(compiled.input, scope),
    });
  },
};

function frozenChild(frozen: Json): Pick<ChildRequest, "workflow" | "version" | "input"> | null {
  if (!isJsonObject(frozen) || typeof frozen["workflow"] !== "string" || typeof frozen["version"] !== "number")
    return null;
  return { workflow: frozen["workflow"], version: frozen["version"], input: frozen["input"] ?? null };
}
