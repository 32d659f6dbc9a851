// The schema's verdict on a document, put into the words of its author. Every issue that zod finds becomes a problem.

import {
  DOCUMENT_TRIGGER_TYPES,
  isJsonObject,
  LIMITS,
  STEP_TYPES,
  TransformStep,
  TriggerId,
  WorkflowDefinition,
} from "@keelson/contracts";
import { z } from "zod";
import { closest, suggestion } from "./closest.ts";
import { type DefinitionProblem, list, type Path, place, problem, type ProblemCode, read, show } from "./problem.ts";

/** What every step has, and every trigger, whatever its type: checked alone where the type is not known. */
const StepFields = z.object(TransformStep.omit({ type: true, config: true }).shape);
const TriggerFields = z.object({ id: TriggerId });

/** Joins the sentences for several unknown keys of one object, since zod has one message for them all. */
const BETWEEN_KEYS = "\n";

export interface SchemaVerdict {
  readonly definition: WorkflowDefinition | null;
  readonly problems: readonly DefinitionProblem[];
}

/** Parses a document with the schema. Of too many steps the first 200 are looked at. */
export function checkSchema(document: unknown): SchemaVerdict {
  const { within, problems: tooMany } = cutSteps(document);
  const result = WorkflowDefinition.safeParse(within, { error: ruleOf });
  const issues = result.error?.issues ?? [];
  const problems = issues.flatMap((issue) => describe(document, issue, []));
  return {
    definition: tooMany.length === 0 && result.success ? result.data : null,
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
    const issues = common.safeParse(member, { error: ruleOf }).error?.issues ?? [];
    return issues.flatMap((issue) => describe(document, issue, [part, index]));
  });
}

function describe(document: unknown, issue: z.core.$ZodIssue, prefix: Path): DefinitionProblem[] {
  const path = [...prefix, ...issue.path.filter((key) => typeof key !== "symbol")];
  if (issue.code === "unrecognized_keys") {
    const sentences = issue.message.split(BETWEEN_KEYS);
    return issue.keys.map((key, index) => {
      const at = [...path, key];
      return problem("INVALID_FIELD", at, `${place(document, at)} ${unknownKey(path, key) ?? sentences[index]}`);
    });
  }
  const rule = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const value = issue.code === "invalid_key" ? path.at(-1) : read(document, path);
  const seen = value === undefined ? "" : `, but is ${show(value)}`;
  return [problem(codeOf(issue, path), path, `${place(document, path)} ${rule}${seen}.${nearby(issue, value)}`)];
}

function codeOf(issue: z.core.$ZodIssue, path: Path): ProblemCode {
  if (path.length === 1 && path[0] === "steps") {
    if (issue.code === "too_small" || issue.message.startsWith("is required")) return "NO_STEPS";
  }
  return issue.code === "custom" && issue.params?.code === "INVALID_DURATION" ? "INVALID_DURATION" : "INVALID_FIELD";
}

/** Keys that exist, but elsewhere. */
function unknownKey(path: Path, key: string): string | null {
  if (path[0] === "steps" && path.length === 2 && key === "timeout") {
    return "is not known: only http and subworkflow steps have an attempt's timeout. Remove it.";
  }
  return null;
}

function nearby(issue: z.core.$ZodIssue, value: unknown): string {
  if (typeof value !== "string") return "";
  if (issue.code === "invalid_value") return suggestion(value, issue.values.map(String));
  if (issue.code === "invalid_union" && "options" in issue) return suggestion(value, strings(issue.options));
  return "";
}

/** The rule that an issue breaks, to stand between the place and the value: `must be one of a and b`. */
function ruleOf(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined
        ? `is required: ${KINDS.get(issue.expected) ?? issue.expected}`
        : `must be ${KINDS.get(issue.expected) ?? issue.expected}`;
    case "too_small":
      return `must ${issue.origin === "number" || issue.origin === "int" ? "be" : "have"} at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `must ${issue.origin === "number" || issue.origin === "int" ? "be" : "have"} at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `${issue.input === undefined ? "is required: " : "must be "}${oneOf(issue.values.map(String))}`;
    case "invalid_union":
      return Array.isArray(issue.options)
        ? `must be ${oneOf(strings(issue.options))}`
        : "has a value of the wrong kind";
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKeySentence(key, knownKeys(issue.inst))).join(BETWEEN_KEYS);
    default:
      return "is not valid";
  }
}

const KINDS = new Map<string, string>([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "an object"],
  ["record", "an object"],
]);

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length === 1 ? (quoted[0] ?? "") : `one of ${quoted.join(", ")}`;
}

function unknownKeySentence(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  if (near !== null) return `is not known. Did you mean ${JSON.stringify(near)}?`;
  return known.length === 0 ? "is not known: remove it." : `is not known here: known are ${list(known)}.`;
}

function knownKeys(schema: unknown): string[] {
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function strings(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === "string");
}
