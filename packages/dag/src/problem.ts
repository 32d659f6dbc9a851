// What a check says when it refuses, and how it names places.

import { show } from "@keelson/contracts";

export const PROBLEM_CODES = [
  "NO_STEPS",
  "DUPLICATE_TRIGGER_ID",
  "CYCLE",
  "UNKNOWN_STEP",
  "UNKNOWN_BRANCH",
  "DUPLICATE_STEP_ID",
  "SELF_DEPENDENCY",
  "DEPTH_EXCEEDED",
  "NESTING_EXCEEDED",
  "UNKNOWN_WORKFLOW",
  "TOO_MANY_STEPS",
  "EXPRESSION_SYNTAX",
  "EXPRESSION_FORBIDDEN",
  "UNKNOWN_REFERENCE",
  "UNKNOWN_FUNCTION",
  "SECRET_NOT_ALLOWED",
  "NEVER_RUNS",
  "INVALID_CRON",
  "INVALID_TIMEZONE",
  "INVALID_DURATION",
  "INVALID_FIELD",
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface DefinitionProblem {
  /** JSON Pointer (RFC 6901) into the document; empty for the document itself. */
  readonly path: string;
  readonly code: string;
  /** Place, rule, value seen and remedy, as sentences for the author. */
  readonly message: string;
}

export type Path = readonly (string | number)[];

/** Makes a problem; the codes are the closed list. */
export function problem(code: ProblemCode, path: Path, message: string): DefinitionProblem {
  return { path: pointer(path), code, message };
}

/** Writes a path as a JSON Pointer. */
export function pointer(path: Path): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** The step or trigger a path lies in, as its author knows it, and the field within: `Step "charge", config.url`. */
export function place(document: unknown, path: Path): string {
  const [part, index, ...field] = path;
  if ((part !== "steps" && part !== "triggers") || typeof index !== "number") {
    return path.length === 0 ? "The document" : path.join(".");
  }
  const id = read(document, [part, index, "id"]);
  const noun = part === "steps" ? "Step" : "Trigger";
  const owner = typeof id === "string" && id !== "" ? `${noun} ${show(id)}` : `${noun} number ${index + 1}`;
  return field.length === 0 ? owner : `${owner}: ${field.join(".")}`;
}

/** The value at a path, or undefined; reads own properties alone. */
export function read(document: unknown, path: Path): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
