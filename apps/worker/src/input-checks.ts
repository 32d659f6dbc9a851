// Checks of children's inputs, compiled once for each version's schema.
import type { Json } from "@keelson/contracts";
import { compileInputSchema, type CompiledWorkflow, type InputCheck } from "@keelson/dag";

export function createInputChecks() {
  const checks = new WeakMap<CompiledWorkflow, InputCheck>();
  return (workflow: CompiledWorkflow, input: Json) => {
    const { inputSchema } = workflow.definition;
    if (inputSchema === undefined) return [];
    const check = checks.get(workflow) ?? compileInputSchema(inputSchema);
    checks.set(workflow, check);
    return check(input);
  };
}
