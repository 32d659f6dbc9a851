// A transform yields what its template comes to.
import { evaluateTemplate } from "@keelson/expressions";
import type { StepKind } from "@keelson/engine";
import { wrongStep } from "../wrong-step.ts";

export const transformStep: StepKind = {
  evaluate({ compiled, scope }) {
    if (compiled.type !== "transform") throw wrongStep("transform", compiled);
    return { kind: "output", output: evaluateTemplate(compiled.output, scope) };
  },
};
