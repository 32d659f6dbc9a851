// Small documents for tests: a step is a transform unless said otherwise.

import type { DefinitionProblem } from "../problem.ts";
import { parseDefinition } from "../parse.ts";

type Fields = Record<string, unknown>;

export function step(id: string, dependsOn: readonly string[] = [], fields: Fields = {}): Fields {
  return { id, type: "transform", dependsOn, config: { output: null }, ...fields };
}

export function condition(id: string, dependsOn: readonly string[] = [], fields: Fields = {}): Fields {
  return { id, type: "condition", dependsOn, config: { if: "input" }, ...fields };
}

/** A condition of several cases. */
export function choice(id: string, branches: readonly string[], dependsOn: readonly string[] = []): Fields {
  const cases = branches.map((branch) => ({ branch, if: "input" }));
  return { id, type: "condition", dependsOn, config: { cases } };
}

export function http(id: string, dependsOn: readonly string[] = [], config: Fields = {}, fields: Fields = {}): Fields {
  return { id, type: "http", dependsOn, config: { url: "https://example.com/", ...config }, ...fields };
}

export function documentOf(steps: unknown, fields: Fields = {}): Fields {
  return { name: "sample", steps, ...fields };
}

export function problemsOf(document: unknown): DefinitionProblem[] {
  const parsed = parseDefinition(document);
  return parsed.ok ? [] : parsed.problems;
}

/** Problems as `CODE /pointer`, in the order reported. */
export function faultsOf(document: unknown): string[] {
  return problemsOf(document).map(({ code, path }) => `${code} ${path}`);
}

/** The compiled workflow of a document that must be good. */
export function workflowOf(document: unknown) {
  const parsed = parseDefinition(document);
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join("\n"));
  return parsed.workflow;
}

export function joinsOf(steps: readonly Fields[]): Record<string, string> {
  return Object.fromEntries(workflowOf(documentOf(steps)).graph.steps.map(({ id, join }) => [id, join]));
}
