// Takes secrets out of whatever is kept of a step (I8). Pure.
import { isJsonObject, type Json } from "@keelson/contracts";
import { formsOf } from "./redact-forms.ts";

/** Shorter values are not looked for: they would blot out half of any answer. In characters. */
const SHORTEST_SECRET = 6;
export const REDACTED = "***";

export interface Redactor {
  /** Replaces each occurrence by `***`; occurrences that overlap or touch become one. */
  text(value: string): string;
  /** Replaces within all strings of a JSON value, keys included, and numbers that are a secret. */
  json(value: Json): Json;
  /** Length of the longest text looked for, in characters; 0 without secrets. */
  readonly longest: number;
}

/** Replaces the secrets, their base64, URL-encoded and JSON-escaped forms by `***` in any JSON value. */
export function createRedactor(secretValues: readonly string[]): (value: Json) => Json {
  const redactor = createTextRedactor(secretValues);
  return (value) => redactor.json(value);
}

export function createTextRedactor(secretValues: readonly string[]): Redactor {
  const secrets = [...new Set(secretValues.flatMap(variantsOf))].filter((value) => value.length >= SHORTEST_SECRET);
  const needles = [...new Set(secrets.flatMap(formsOf))];
  const text = (value: string) => replaceAll(value, needles);
  const json = (value: Json): Json => {
    if (typeof value === "string") return text(value);
    if (typeof value === "number") return text(String(value)) === String(value) ? value : REDACTED;
    if (Array.isArray(value)) return value.map(json);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [text(key), json(member)]));
  };
  const longest = Math.max(0, ...needles.map((needle) => needle.length));
  return needles.length === 0 ? UNCHANGED : { text, json, longest };
}

/** URLs lose line breaks and tabs, headers the space around them. */
function variantsOf(secret: string): string[] {
  return [secret, secret.trim(), secret.replace(/[\t\r\n]/g, "")];
}

const UNCHANGED: Redactor = { text: (value) => value, json: (value) => value, longest: 0 };

interface Span {
  readonly start: number;
  end: number;
}

function replaceAll(value: string, needles: readonly string[]): string {
  const spans = needles.flatMap((needle) => findSpans(value, needle)).sort((a, b) => a.start - b.start);
  let result = "";
  let done = 0;
  for (const span of spans) {
    const isFirst = result === "";
    if (isFirst || span.start > done) result += value.slice(done, span.start) + REDACTED;
    done = Math.max(done, span.end);
  }
  return result + value.slice(done);
}

/** Where the needle occurs, overlapping occurrences merged. */
function findSpans(value: string, needle: string): Span[] {
  const spans: Span[] = [];
  for (let at = value.indexOf(needle); at !== -1; at = value.indexOf(needle, at + 1)) {
    const last = spans.at(-1);
    if (last !== undefined && at <= last.end) last.end = at + needle.length;
    else spans.push({ start: at, end: at + needle.length });
  }
  return spans;
}
