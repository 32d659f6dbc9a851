import type { ProblemCode, ProblemError } from "@keelson/contracts";
import type { z } from "zod";
import { AppError } from "./app-error.ts";

/** More than anyone mends at once; bounds the answer to a body that is wrong everywhere. */
const MAX_ERRORS = 100;

/** The value as the schema has it; else an AppError (`INVALID_REQUEST` unless said) that lists what is wrong and where. */
export function parseRequest<T>(schema: z.ZodType<T>, value: unknown, code: ProblemCode = "INVALID_REQUEST"): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AppError(code, { errors: problemErrors(parsed.error) });
}

/** The first hundred issues as a problem's `errors`: JSON Pointer, zod's code in upper case, a sentence without the value. */
export function problemErrors(error: z.ZodError): readonly ProblemError[] {
  return error.issues.slice(0, MAX_ERRORS).map((issue) => ({
    path: jsonPointer(issue.path),
    code: issue.code.toUpperCase(),
    message: issue.message,
  }));
}

/** RFC 6901; the empty text for the whole value. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
