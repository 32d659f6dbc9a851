// Configuration, once, at the door. Messages name variables and what is expected of them, never their values.

import type { z } from "zod";

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment as the schema has it; an empty variable counts as unset. Where something is wrong, prints all of it to
 * stderr and ends the process with exit code 1. For an app's `env.ts` alone.
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
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ""));
  const parsed = schema.safeParse(present);
  if (parsed.success) return { ok: true, value: parsed.data };
  const lines = parsed.error.issues.map((issue) => {
    const variable = issue.path.map(String).join(".");
    const missing = variable !== "" && !Object.hasOwn(present, variable);
    return missing
      ? `  ${variable} is missing`
      : `  ${variable === "" ? issue.message : `${variable}: ${issue.message}`}`;
  });
  return { ok: false, message: ["The configuration is not valid:", ...lines].join("\n") };
}
