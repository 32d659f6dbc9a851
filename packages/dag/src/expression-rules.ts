// Expressions: that each is in the language, and names only steps that have ended when it is evaluated.

import { compileExpression, compileTemplate, ExpressionSyntaxError, type References } from "@keelson/expressions";
import { suggestion } from "./closest.ts";
import { nameOf } from "./edges.ts";
import { type ExpressionPlace, expressionPlaces } from "./places.ts";
import { type DefinitionProblem, list, place, problem } from "./problem.ts";
import type { Structure } from "./structure.ts";

/** Checks every expression of the document, each by itself. */
export function checkExpressions(document: unknown, structure: Structure): DefinitionProblem[] {
  const upstream = createUpstream(structure);
  const ids = new Set(structure.nodes.flatMap(({ outline }) => (outline.id === null ? [] : [outline.id])));
  return expressionPlaces(document).flatMap((at) => {
    const compiled = compile(document, at);
    if ("problems" in compiled) return compiled.problems;
    return [...compiled.references.steps].flatMap((id) => checkReference(document, at, id, ids, structure, upstream));
  });
}

function compile(
  document: unknown,
  at: ExpressionPlace,
): { references: References } | { problems: DefinitionProblem[] } {
  const options = { roots: at.roots };
  try {
    const compiled = at.kind === "expression" ? compileExpression(at.text, options) : compileTemplate(at.text, options);
    return { references: compiled.references };
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    return {
      problems: error.problems.map(({ code, message, position }) =>
        problem(code, at.path, `${place(document, at.path)}, character ${position + 1}: ${message}${bracesHint(at)}`),
      ),
    };
  }
}

/** Where a bare expression stands, many write the braces of a template. */
function bracesHint(at: ExpressionPlace): string {
  return at.kind === "expression" && at.text.trimStart().startsWith("{{")
    ? " Write the expression without {{ and }}."
    : "";
}

function checkReference(
  document: unknown,
  at: ExpressionPlace,
  id: string,
  ids: ReadonlySet<string>,
  structure: Structure,
  upstream: (step: number) => ReadonlySet<string>,
): DefinitionProblem[] {
  const where = place(document, at.path);
  if (!ids.has(id)) {
    const hint = suggestion(id, ids) || " Name a step of this document.";
    return [
      problem(
        "UNKNOWN_REFERENCE",
        at.path,
        `${where} names steps.${id.slice(0, 63)}, but there is no such step.${hint}`,
      ),
    ];
  }
  if (at.step === null) return [];
  const above = upstream(at.step);
  const node = structure.nodes[at.step];
  if (above.has(id) || node === undefined) return [];
  const remedy =
    node.outline.id === id
      ? "a step cannot see its own outcome"
      : `it has not ended by then, since ${nameOf(node.outline)} does not come after it: add it to dependsOn${above.size === 0 ? "" : `, or name one of ${list([...above])}`}`;
  return [problem("UNKNOWN_REFERENCE", at.path, `${where} names steps.${id}, but ${remedy}.`)];
}

/** Ids of the steps that a step waits for, directly or through others; found once a step. */
function createUpstream({ nodes, sources }: Structure): (step: number) => ReadonlySet<string> {
  const known = new Map<number, ReadonlySet<string>>();
  return (step) => {
    const before = known.get(step);
    if (before !== undefined) return before;
    const seen = new Set<number>();
    const open = [...(sources[step] ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(...(sources[next] ?? []));
    }
    const ids = new Set([...seen].flatMap((index) => nodes[index]?.outline.id ?? []));
    known.set(step, ids);
    return ids;
  };
}
