// A condition takes the branch of the first case that holds.
import { findTruthy } from "@keelson/expressions";
import type { StepKind } from "@keelson/engine";
import { wrongStep } from "../wrong-step.ts";

export const conditionStep: StepKind = {
  evaluate({ compiled, scope }) {
    if (compiled.type !== "condition") throw wrongStep("condition", compiled);
    const taken = findTruthy(
      compiled.cases.map((one) => one.if),
      scope,
    );
    const branch = compiled.cases[taken]?.branch ?? compiled.otherwise;
    if (branch !== null) return { kind: "branch", branch };
    const message = `None of the ${compiled.cases.length} cases holds; add \`otherwise\`, the branch to take then`;
    return { kind: "failed", error: { code: "NO_CASE", message } };
  },
};
