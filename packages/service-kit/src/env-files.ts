// A variable's value from a file, as containers are handed their secrets: `<NAME>_FILE` names the file for `<NAME>`.
// Messages name variables and codes alone: who writes the secret itself into `<NAME>_FILE` shall not read it in a log.

import { readFileSync } from "node:fs";
import { z } from "zod";

export interface ResolvedEnv {
  /** What is set and not empty, with the contents of files under the names that they stand for. */
  readonly values: Readonly<Record<string, string>>;
  /** By variable, what is wrong with its file. */
  readonly problems: ReadonlyMap<string, string>;
}

/**
 * The variables of the schema, each as it is or from the file that its `<NAME>_FILE` names, without the line break at the
 * file's end. An empty variable counts as unset. Other variables that end in `_FILE` name files of somebody else.
 */
export function resolveEnvFiles(schema: z.ZodType, env: Readonly<Record<string, string | undefined>>): ResolvedEnv {
  const values: Record<string, string> = {};
  const problems = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value !== "") values[name] = value;
  }
  for (const name of variablesOf(schema)) {
    const file = `${name}_FILE`;
    const path = values[file];
    if (path === undefined) continue;
    if (values[name] !== undefined) {
      problems.set(name, `${name} and ${file} are both set: leave one of them out`);
      continue;
    }
    const read = readValue(path);
    if ("value" in read) values[name] = read.value;
    else problems.set(name, `${file}: ${read.problem}`);
  }
  return { values, problems };
}

function variablesOf(schema: z.ZodType): readonly string[] {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodPipe && schema.in instanceof z.ZodType ? variablesOf(schema.in) : [];
}

function readValue(path: string): { readonly value: string } | { readonly problem: string } {
  try {
    const value = readFileSync(path, "utf8").replace(/\r?\n$/, "");
    return value === "" ? { problem: "the file that it names is empty" } : { value };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    return { problem: `the file that it names cannot be read (${code})` };
  }
}
