// The schema's verdict on a document, put into the words of its author. Every issue that zod finds becomes a problem.

import {
  DOCUMENT_TRIGGER_TYPES,
  isJsonObject,
  issueRule,
  LIMITS,
  remedyOf,
  seen,
  STEP_TYPES,
  TransformStep,
  TriggerId,
  unknownKeys,
  WorkflowDefinition,
} from "@keelson/contracts";
import { z } from "zod";
import { exampleOf } from "./field-examples.ts";
import { misplacedKey } from "./misplaced-keys.ts";
import { type DefinitionProblem, type Path, place, problem, type ProblemCode, read } from "./problem.ts";

/** What every step has, and every trigger, whatever its type: checked alone where the type is not known. */
const StepFields = z.object(TransformStep.omit({ type: true, config: true }).shape);
const TriggerFields = z.object({ id: TriggerId });

export interface SchemaVerdict {
  readonly definition: WorkflowDefinition | null;
  readonly problems: readonly DefinitionProblem[];
}

/** Parses a document with the schema. Of too many steps the first 200 are looked at. */
export function checkSchema(document: unknown): SchemaVerdict {
  const { within, problems: tooMany } = cutSteps(document);
  const result = WorkflowDefinition.safeParse(within, { error: issueRule });
  const issues = result.error?.issues ?? [];
  const problems = issues.flatMap((issue) => describe(document, issue, []));
  return {
    // The document itself: what zod yields is equal, but has its keys in the schema's order.
    definition: tooMany.length === 0 && result.success ? (within as WorkflowDefinition) : null,
    problems: [
      ...tooMany,
      ...problems,
      ...untyped(within, "steps", STEP_TYPES, StepFields),
      ...untyped(within, "triggers", DOCUMENT_TRIGGER_TYPES, TriggerFields),
    ],
  };
}

function cutSteps(document: unknown): { within: unknown; problems: readonly DefinitionProblem[] } {
  const steps = read(document, ["steps"]);
  if (!isJsonObject(document) || !Array.isArray(steps) || steps.length <= LIMITS.steps)
    return { within: document, problems: [] };
  const message = `The document has ${steps.length} steps, more than ${LIMITS.steps}: move some into a sub-workflow.`;
  return {
    within: { ...document, steps: steps.slice(0, LIMITS.steps) },
    problems: [problem("TOO_MANY_STEPS", ["steps"], message)],
  };
}

/** A step or trigger of unknown type fails as a whole: look at its common fields all the same. */
function untyped(
  document: unknown,
  part: "steps" | "triggers",
  types: readonly string[],
  common: z.ZodType,
): DefinitionProblem[] {
  const members = read(document, [part]);
  if (!Array.isArray(members)) return [];
  return members.flatMap((member: unknown, index) => {
    if (!isJsonObject(member) || types.some((type) => type === member.type)) return [];
    const issues = common.safeParse(member, { error: issueRule }).error?.issues ?? [];
    return issues.flatMap((issue) => describe(document, issue, [part, index]));
  });
}

function describe(document: unknown, issue: z.core.$ZodIssue, prefix: Path): DefinitionProblem[] {
  const path = [...prefix, ...issue.path.filter((key) => typeof key !== "symbol")];
  if (issue.code === "unrecognized_keys") {
    return unknownKeys(issue).map(({ key, sentence }) => {
      const at = [...path, key];
      const rule = misplacedKey(document, path, key) ?? sentence;
      return problem("INVALID_FIELD", at, `${place(document, at)} ${rule}`);
    });
  }
  const rule = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const value = issue.code === "invalid_key" ? path.at(-1) : read(document, path);
  const remedy = value === undefined ? "" : remedyOf(issue, value) || exampleOf(issue, path, value);
  return [problem(codeOf(issue, path), path, `${place(document, path)} ${rule}${seen(value)}.${remedy}`)];
}

function codeOf(issue: z.core.$ZodIssue, path: Path): ProblemCode {
  if (path.length === 1 && path[0] === "steps") {
    if (issue.code === "too_small" || issue.message.startsWith("is required")) return "NO_STEPS";
  }
  return issue.code === "custom" && issue.params?.code === "INVALID_DURATION" ? "INVALID_DURATION" : "INVALID_FIELD";
}
