import type { Json, ProblemError } from "@keelson/contracts";
import { type CompiledWorkflow, type InputCheck, compileInputSchema } from "@keelson/dag";

const checks = new WeakMap<CompiledWorkflow, InputCheck>();

/** What does not fit the version's `inputSchema`, with pointers into a body's `input`; its schema is compiled once. */
export function inputErrors(workflow: CompiledWorkflow, input: Json): ProblemError[] {
  const { inputSchema } = workflow.definition;
  if (inputSchema === undefined) return [];
  const check = checks.get(workflow) ?? compileInputSchema(inputSchema);
  checks.set(workflow, check);
  return check(input).map(({ path, message }) => ({ path: `/input${path}`, code: "INPUT_INVALID", message }));
}
