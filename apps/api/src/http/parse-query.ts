import type { ProblemError } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";
import type { z } from "zod";

/** The query string as the schema has it; else `INVALID_REQUEST`, whose errors name the parameters. */
export function parseQuery<Q>(schema: z.ZodType<Q>, query: unknown): Q {
  const parsed = schema.safeParse(query);
  if (parsed.success) return parsed.data;
  throw new AppError("INVALID_REQUEST", { errors: parsed.error.issues.flatMap(describe) });
}

function describe(issue: z.core.$ZodIssue): ProblemError[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: `?${key}`,
      code: "UNKNOWN_PARAMETER",
      message: "This call has no such query parameter.",
    }));
  }
  const [parameter = ""] = issue.path;
  return [{ path: `?${String(parameter)}`, code: issue.code.toUpperCase(), message: issue.message }];
}
