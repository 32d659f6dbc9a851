import { type ProblemError, closest, issueRule, list, remedyOf, seen } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";
import { z } from "zod";

/** Of what the caller sent, as an answer names it. */
const MAX_NAME_CHARS = 200;

/** The query string as the schema has it; else `INVALID_REQUEST`, whose errors name the parameters. */
export function parseQuery<Q>(schema: z.ZodType<Q>, query: unknown): Q {
  const parsed = schema.safeParse(query, { error: issueRule });
  if (parsed.success) return parsed.data;
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  throw new AppError("INVALID_REQUEST", {
    errors: parsed.error.issues.flatMap((issue) => describe(issue, query, known)),
  });
}

function describe(issue: z.core.$ZodIssue, query: unknown, known: readonly string[]): ProblemError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: `?${key.slice(0, MAX_NAME_CHARS)}`,
      code: "UNKNOWN_PARAMETER",
      message: `This call has no such query parameter.${known.length === 0 ? "" : ` ${instead(key, known)}`}`,
    }));
  }
  const parameter = String(issue.path[0] ?? "");
  const value: unknown = Object.hasOwn(Object(query), parameter) ? Reflect.get(Object(query), parameter) : undefined;
  const remedy = value === undefined ? "" : lostPlus(value) || remedyOf(issue, value);
  const message = `${parameter} ${issue.message}${seen(value)}.${remedy}`;
  return [{ path: `?${parameter}`, code: issue.code.toUpperCase(), message }];
}

function instead(key: string, known: readonly string[]): string {
  const near = closest(key, known);
  return near === null ? `It takes ${list(known)}.` : `Did you mean "${near}"?`;
}

/** A time's `+01:00` arrives with a space, since that is what a bare `+` means in a query string. */
function lostPlus(value: unknown): string {
  const isTime = typeof value === "string" && /^\d{4}-\d\d-\d\d[Tt][\d:.]+ \d\d:\d\d$/.test(value);
  return isTime ? " Write its + as %2B." : "";
}
