// Configuration, once, at the door. Messages name variables and what is expected of them, never their values.

import type { z } from "zod";
import { resolveEnvFiles } from "./env-files.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment as the schema has it; an empty variable counts as unset, and each may come from the file that its
 * `<NAME>_FILE` names. Where something is wrong, prints all of it to stderr and ends the process with exit code 1. For an app's `env.ts` alone.
 */
export function parseEnv<T>(schema: z.ZodType<T>, env: Env): T {
  const checked = checkEnv(schema, env);
  if (checked.ok) return checked.value;
  process.stderr.write(`${checked.message}\n`);
  return process.exit(1);
}

export function checkEnv<T>(
  schema: z.ZodType<T>,
  env: Env,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string } {
  const { values, problems } = resolveEnvFiles(schema, env);
  const parsed = schema.safeParse(values);
  if (parsed.success && problems.size === 0) return { ok: true, value: parsed.data };
  const issues = (parsed.error?.issues ?? []).filter((issue) => !problems.has(issue.path.map(String).join(".")));
  const lines = issues.map((issue) => {
    const variable = issue.path.map(String).join(".");
    const missing = variable !== "" && !Object.hasOwn(values, variable);
    return missing
      ? `  ${variable} is missing`
      : `  ${variable === "" ? issue.message : `${variable}: ${issue.message}`}`;
  });
  lines.push(...[...problems.values()].map((problem) => `  ${problem}`));
  return { ok: false, message: ["The configuration is not valid:", ...lines].join("\n") };
}
