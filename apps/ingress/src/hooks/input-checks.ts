// Checks of inputs, compiled once for each version: versions never change.

import { type CompiledWorkflow, type InputCheck, compileInputSchema } from "@keelson/dag";

const FITS: InputCheck = () => [];

export function createInputChecks(): (workflow: CompiledWorkflow) => InputCheck {
  const checks = new WeakMap<CompiledWorkflow, InputCheck>();
  return (workflow) => {
    const { inputSchema } = workflow.definition;
    if (inputSchema === undefined) return FITS;
    const check = checks.get(workflow) ?? compileInputSchema(inputSchema);
    checks.set(workflow, check);
    return check;
  };
}
