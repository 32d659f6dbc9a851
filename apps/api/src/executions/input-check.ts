import type { Json, ProblemError } from "@keelson/contracts";
import { type CompiledWorkflow, type InputCheck, compileInputSchema } from "@keelson/dag";

const checks = new WeakMap<CompiledWorkflow, InputCheck>();

/**
 * What does not fit the version's `inputSchema`, whose check is compiled once. Pointers begin with `at`: the place of the
 * input in what was sent.
 */
export function inputErrors(workflow: CompiledWorkflow, input: Json, at = "/input"): ProblemError[] {
  const { inputSchema } = workflow.definition;
  if (inputSchema === undefined) return [];
  const check = checks.get(workflow) ?? compileInputSchema(inputSchema);
  checks.set(workflow, check);
  return check(input).map(({ path, message }) => ({ path: `${at}${path}`, code: "INPUT_INVALID", message }));
}
