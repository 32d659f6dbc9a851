// What a schema makes of a request, or why it is refused: the place, the rule, the value seen (cut short, and none of what
// may be a secret) and what to write instead.

import {
  type ProblemCode,
  type ProblemError,
  isJsonObject,
  issueRule,
  remedyOf,
  seen,
  unknownKeys,
  withheld,
} from "@keelson/contracts";
import type { z } from "zod";
import { AppError } from "./app-error.ts";

/** More than anyone mends at once; bounds the answer to a body that is wrong everywhere. */
const MAX_ERRORS = 100;
/** Of a key that the caller sent, as a message and a path show it. */
const MAX_KEY_CHARS = 200;

/** The value as the schema has it; else an AppError (`INVALID_REQUEST` unless said) that lists what is wrong and where. */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, code: ProblemCode = "INVALID_REQUEST"): T {
  const parsed = schema.safeParse(value, { error: issueRule });
  if (parsed.success) return parsed.data;
  throw new AppError(code, { errors: problemErrors(parsed.error, withheld.has(schema) ? undefined : value) });
}

/** The first hundred issues as a problem's `errors`: JSON Pointer, zod's code in upper case, a sentence. */
function problemErrors(error: z.ZodError, body: unknown): readonly ProblemError[] {
  return error.issues.flatMap((issue) => describe(issue, body)).slice(0, MAX_ERRORS);
}

function describe(issue: z.core.$ZodIssue, body: unknown): ProblemError[] {
  const code = issue.code.toUpperCase();
  if (issue.code === "unrecognized_keys") {
    return unknownKeys(issue).map(({ key, sentence }) => {
      const path = [...issue.path, key.slice(0, MAX_KEY_CHARS)];
      return { path: jsonPointer(path), code, message: `${nameOf(path)} ${sentence}` };
    });
  }
  const value = valueAt(body, issue.path);
  const remedy = value === undefined ? "" : remedyOf(issue, value);
  // A rule of several fields has seen the whole body, which names nothing.
  const isOfBody = issue.code === "custom" && issue.path.length === 0;
  const message = `${nameOf(issue.path)} ${issue.message}${isOfBody ? "" : seen(value)}.${remedy}`;
  return [{ path: jsonPointer(issue.path), code, message }];
}

function nameOf(path: readonly PropertyKey[]): string {
  return path.length === 0 ? "The body" : path.map(String).join(".");
}

/** Undefined too where it is not to be shown. */
function valueAt(body: unknown, path: readonly PropertyKey[]): unknown {
  let value = body;
  for (const key of path) {
    if (Array.isArray(value) && typeof key === "number") value = value[key];
    else if (isJsonObject(value) && typeof key === "string" && Object.hasOwn(value, key)) value = value[key];
    else return undefined;
  }
  return value;
}

/** RFC 6901; the empty text for the whole value. */
function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
