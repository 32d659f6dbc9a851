// A condition takes the branch of the first case that holds.
import { evaluateExpression, isTruthy } from "@keelson/expressions";
import type { StepKind } from "@keelson/engine";
import { wrongStep } from "../wrong-step.ts";

export const conditionStep: StepKind = {
  evaluate({ compiled, scope }) {
    if (compiled.type !== "condition") throw wrongStep("condition", compiled);
    const taken = compiled.cases.find((one) => isTruthy(evaluateExpression(one.if, scope)));
    const branch = taken?.branch ?? compiled.otherwise;
    if (branch !== null) return { kind: "branch", branch };
    const message = `None of the ${compiled.cases.length} cases holds; add \`otherwise\`, the branch to take then`;
    return { kind: "failed", error: { code: "NO_CASE", message } };
  },
};
