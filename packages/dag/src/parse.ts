// The check at save: an unknown document becomes a compiled workflow, or the list of all that is wrong with it. Each
// check reads the document by itself and leniently, so that a wrong field hides nothing.

import { isJsonObject, type WorkflowDefinition } from "@keelson/contracts";
import { type CompiledWorkflow, compileWith } from "./compile.ts";
import { checkExpressions } from "./expression-rules.ts";
import { checkStepFields } from "./field-rules.ts";
import { graphOf } from "./graph.ts";
import { outlineSteps } from "./outline.ts";
import { readPlainJson } from "./plain-json.ts";
import { type DefinitionProblem, problem, read } from "./problem.ts";
import { checkSchema } from "./schema-rules.ts";
import { checkStructure } from "./structure.ts";
import { checkTriggers } from "./trigger-rules.ts";

export type ParsedDefinition =
  | { readonly ok: true; readonly definition: WorkflowDefinition; readonly workflow: CompiledWorkflow }
  | { readonly ok: false; readonly problems: DefinitionProblem[] };

/** Problems of one answer; a document can hold more than anyone reads. */
const MAX_PROBLEMS = 500;

/** Checks a document and compiles it. Never throws, whatever the document; takes time bounded by its allowed size. */
export function parseDefinition(document: unknown): ParsedDefinition {
  const { value, problems: unfit } = readPlainJson(document);
  if (value === undefined) return { ok: false, problems: [...unfit] };
  const schema = checkSchema(value);
  const steps = read(value, ["steps"]);
  const structure = checkStructure(outlineSteps(steps));
  const problems = [
    ...unfit,
    ...schema.problems,
    ...(isJsonObject(value) ? checkTriggers(value) : []),
    ...checkStepFields(value, Array.isArray(steps) ? steps : []),
    ...structure.problems,
    ...checkExpressions(value, structure),
  ];
  if (schema.definition === null || problems.length > 0) return { ok: false, problems: bounded(problems) };
  const workflow = compileWith(schema.definition, graphOf(schema.definition, structure));
  return { ok: true, definition: schema.definition, workflow };
}

function bounded(problems: readonly DefinitionProblem[]): DefinitionProblem[] {
  if (problems.length <= MAX_PROBLEMS) return [...problems];
  const more = problems.length - MAX_PROBLEMS + 1;
  return [
    ...problems.slice(0, MAX_PROBLEMS - 1),
    problem("INVALID_FIELD", [], `${more} more problems are not listed: mend some of these first.`),
  ];
}
