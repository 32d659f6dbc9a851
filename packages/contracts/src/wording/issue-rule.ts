// What a schema refuses, in words: the rule of each issue that zod finds, to stand between a place and the value seen,
// as in `retry.maxAttempts` + `must be at most 100` + `, but is 101`. Give `issueRule` to zod as the `error` of a parse;
// a message that a schema has of its own goes before it.

import { z } from "zod";
import { isJsonObject } from "../json.ts";
import { aliased, KEY_ALIASES } from "./aliases.ts";
import { closest } from "./closest.ts";
import { list, show } from "./show.ts";

/** Joins the sentences for several unknown keys of one object, since zod has one message for them all. */
const BETWEEN_KEYS = "\n";

/** The rule that an issue breaks: `must be one of "a", "b"`, `is required, but missing: it must be text`. */
export function issueRule(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "unrecognized_keys") {
    const known = issue.inst instanceof z.ZodObject ? Object.keys(issue.inst.shape) : [];
    return issue.keys.map((key) => unknownKey(key, known)).join(BETWEEN_KEYS);
  }
  const rule = mustBe(issue);
  return isMissing(issue) ? `is required, but missing: it ${rule}${about(issue.inst)}` : rule;
}

/** Of an issue about unknown keys, each with its sentence. */
export function unknownKeys(issue: z.core.$ZodIssueUnrecognizedKeys): { key: string; sentence: string }[] {
  const sentences = issue.message.split(BETWEEN_KEYS);
  return issue.keys.map((key, index) => ({ key, sentence: sentences[index] ?? "is not known: remove it." }));
}

/** What becomes of an issue's rule when the value may be shown: `, but is "x"`, or nothing where there is none. */
export function seen(value: unknown): string {
  return value === undefined ? "" : `, but is ${show(value)}`;
}

/** A union over a field says of the whole object that the field is missing. */
function isMissing(issue: z.core.$ZodRawIssue): boolean {
  if (issue.input === undefined) return issue.code === "invalid_type" || isChoice(issue);
  const key: unknown = issue.code === "invalid_union" ? issue["discriminator"] : undefined;
  return typeof key === "string" && isJsonObject(issue.input) && issue.input[key] === undefined;
}

function isChoice(issue: z.core.$ZodRawIssue): boolean {
  return issue.code === "invalid_value" || issue.code === "invalid_union";
}

/** What the schema says of the field, in parentheses. */
function about(schema: unknown): string {
  const description = schema instanceof z.ZodType ? schema.description : undefined;
  return description === undefined ? "" : ` (${description.replace(/\.$/, "")})`;
}

function mustBe(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${KINDS.get(issue.expected) ?? issue.expected}`;
    case "too_small":
      return `must ${verbOf(issue.origin)} at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case "too_big":
      return `must ${verbOf(issue.origin)} at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case "invalid_value":
      return `must be ${oneOf(issue.values.map(String))}`;
    case "invalid_union":
      return Array.isArray(issue.options)
        ? `must be ${oneOf(strings(issue.options))}`
        : `must be ${unionOf(issue.inst)}`;
    case "invalid_format":
      return FORMATS.get(issue.format) ?? "is not of the form that is asked for";
    default:
      return "is not valid";
  }
}

const FORMATS = new Map<string, string>([
  ["datetime", 'must be a time such as "2027-01-31T09:00:00Z"'],
  ["uuid", "must be a UUID"],
  ["url", "must be an absolute URL"],
]);

const KINDS = new Map<string, string>([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "an object"],
  ["record", "an object"],
  ["null", "null"],
]);

/** A union of every kind is JSON itself. */
function unionOf(schema: unknown): string {
  const kinds = schema instanceof z.ZodUnion ? schema.options.map(kindOf) : [];
  const named = [...new Set(kinds)].filter((kind) => kind !== null);
  if (named.length === 0 || named.length < kinds.length) return "of another kind";
  return named.length > 4 ? "JSON: text, a number, true, false, null, a list or an object" : named.join(" or ");
}

function kindOf(schema: unknown): string | null {
  return schema instanceof z.ZodType ? (KINDS.get(schema.def.type) ?? null) : null;
}

function verbOf(origin: string): string {
  return origin === "number" || origin === "int" ? "be" : "have";
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

function oneOf(values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length === 1 ? (quoted[0] ?? "") : `one of ${quoted.join(", ")}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = aliased(key, known, KEY_ALIASES) ?? closest(key, known);
  if (near !== null) return `is not known. Did you mean ${JSON.stringify(near)}?`;
  return known.length === 0 ? "is not known: remove it." : `is not known here: known are ${list(known)}.`;
}

export function strings(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === "string");
}
