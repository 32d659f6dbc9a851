// How the fields look that are often written as a single word or number.

import type { z } from "zod";
import type { Path } from "./problem.ts";

/** By the field's name, and by the value seen. */
const EXAMPLES: Readonly<Record<string, (value: string | number) => string>> = {
  retry: (value) => `{ "maxAttempts": ${typeof value === "number" ? value : 3} }`,
  signature: (value) => `{ "scheme": ${JSON.stringify(String(value))}, "secrets": ["NAME_OF_A_SECRET"] }`,
  headers: () => `{ "x-name": "value" }`,
  query: () => `{ "name": "value" }`,
  labels: () => `{ "orderId": "{{ input.orderId }}" }`,
};

/** ` Write { … }.`, where an object was expected and something else is there; or how to name the latest version. */
export function exampleOf(issue: z.core.$ZodIssue, path: Path, value: unknown): string {
  if (issue.code !== "invalid_type") return "";
  const field = path.at(-1);
  if (field === "version" && value === "latest") return " Leave it out for the latest version.";
  const example = typeof field === "string" && Object.hasOwn(EXAMPLES, field) ? EXAMPLES[field] : undefined;
  if (example === undefined || (issue.expected !== "object" && issue.expected !== "record")) return "";
  const isShort = typeof value === "number" || (typeof value === "string" && value.length <= 40);
  return ` Write ${example(isShort ? value : "…")}.`;
}
