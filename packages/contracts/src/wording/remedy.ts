// What to write instead: the sentence after the rule and the value seen, where the mistake can be read from the value.

import type { z } from "zod";
import { aliased, VALUE_ALIASES } from "./aliases.ts";
import { suggestion } from "./closest.ts";
import { nearDuration } from "./near-duration.ts";
import { strings } from "./issue-rule.ts";
import { show } from "./show.ts";

/** Values longer than this are not rewritten. */
const MAX_CHARS = 64;

/** ` Did you mean "x"?`, ` Write ["x"].`, or nothing. */
export function remedyOf(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case "invalid_value":
      return typeof value === "string" ? nearValue(value, issue.values.map(String)) : "";
    case "invalid_union":
      return typeof value === "string" && "options" in issue ? nearValue(value, strings(issue.options)) : "";
    case "invalid_type":
      return asKind(issue.expected, value);
    case "invalid_format":
      return typeof value === "string" ? fitting(value, issue.pattern) : "";
    case "custom":
      return issue.params?.["code"] === "INVALID_DURATION" ? nearDuration(value) : "";
    default:
      return "";
  }
}

function nearValue(value: string, known: readonly string[]): string {
  const alias = aliased(value, known, VALUE_ALIASES);
  return alias === null ? suggestion(value, known) : ` Did you mean ${JSON.stringify(alias)}?`;
}

/** The same value as the kind that was expected. */
function asKind(expected: string, value: unknown): string {
  const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  const isShort = typeof value !== "string" || value.length <= MAX_CHARS;
  if (!isShort || value === undefined || value === null) return "";
  if (expected === "array") return isScalar ? ` Write [${show(value)}].` : " Put it into a list: [{ … }].";
  if (expected === "string" && isScalar) return ` Write ${JSON.stringify(String(value))}, in quotes.`;
  if (typeof value !== "string") return "";
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value));
  if ((expected === "number" || expected === "int") && isNumber) return ` Write ${Number(value)}, without quotes.`;
  const isBoolean = expected === "boolean" && (value === "true" || value === "false");
  return isBoolean ? ` Write ${value}, without quotes.` : "";
}

/** The value with its separators changed, if that fits the pattern. */
function fitting(value: string, pattern: string | undefined): string {
  const source = /^\/(.*)\/$/.exec(pattern ?? "")?.[1];
  if (source === undefined || value.length > MAX_CHARS) return "";
  const candidates = [
    value.trim(),
    value.toLowerCase(),
    value.replace(/[./>]+/, ":"),
    value.replaceAll(/[^A-Za-z0-9_]+/g, "-"),
    value
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, ""),
    value.replaceAll(/[^A-Za-z0-9_]+/g, "_"),
  ];
  const fits = candidates.find((candidate) => new RegExp(source).test(candidate));
  return fits === undefined ? "" : ` Write ${JSON.stringify(fits)}.`;
}
