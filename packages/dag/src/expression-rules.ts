// Expressions: that each is in the language, and names only steps that have ended when it is evaluated.

import { createSuggester, list, type suggestion } from "@keelson/contracts";
import { compileExpression, compileTemplate, ExpressionSyntaxError, type References } from "@keelson/expressions";
import { nameOf } from "./edges.ts";
import { type ExpressionPlace, expressionPlaces } from "./places.ts";
import { type DefinitionProblem, place, problem } from "./problem.ts";
import type { Structure } from "./structure.ts";

/** Problems after which no further expression is looked at. */
const MAX_PROBLEMS = 500;

/** Ids beyond which none is suggested. */
const MAX_SUGGESTED = 400;

/** What references are checked against. */
interface Known {
  readonly ids: ReadonlySet<string>;
  readonly structure: Structure;
  /** Ids of the steps that a step comes after. */
  readonly upstream: (step: number) => ReadonlySet<string>;
  readonly suggest: typeof suggestion;
}

/** Checks every expression of the document, each by itself. */
export function checkExpressions(document: unknown, structure: Structure): DefinitionProblem[] {
  const ids = new Set(structure.nodes.flatMap(({ outline }) => (outline.id === null ? [] : [outline.id])));
  const known = { ids, structure, upstream: createUpstream(structure), suggest: createSuggester() };
  const problems: DefinitionProblem[] = [];
  for (const at of expressionPlaces(document)) {
    if (problems.length >= MAX_PROBLEMS) break;
    const compiled = compile(document, at, known);
    if ("problems" in compiled) problems.push(...compiled.problems);
    else
      for (const id of compiled.references.steps)
        problems.push(...checkReference(place(document, at.path), at, id, known));
  }
  return problems;
}

function compile(
  document: unknown,
  at: ExpressionPlace,
  known: Known,
): { references: References } | { problems: DefinitionProblem[] } {
  const options = { roots: at.roots };
  try {
    const compiled = at.kind === "expression" ? compileExpression(at.text, options) : compileTemplate(at.text, options);
    return { references: compiled.references };
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    return {
      problems: error.problems.map(({ code, message, position }) =>
        problem(
          code,
          at.path,
          `${place(document, at.path)}, character ${position + 1}: ${message}${bracesHint(at)}${stepHint(at, code, position, known)}`,
        ),
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

/** Where the name of a step stands alone, as other engines have it. */
function stepHint(at: ExpressionPlace, code: string, position: number, { ids }: Known): string {
  const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(at.text.slice(position))?.[0] ?? "";
  return code === "UNKNOWN_REFERENCE" && ids.has(name)
    ? ` There is a step of that name: write steps.${name}.output.`
    : "";
}

function checkReference(where: string, at: ExpressionPlace, id: string, known: Known): DefinitionProblem[] {
  const refuse = (rule: string) => [
    problem("UNKNOWN_REFERENCE", at.path, `${where} names steps.${id.slice(0, 63)}, but ${rule}`),
  ];
  if (!known.ids.has(id)) {
    const own = at.step === null ? null : known.structure.nodes[at.step]?.outline.id;
    const others = [...known.ids].slice(0, MAX_SUGGESTED).filter((other) => other !== own);
    return refuse(`there is no such step.${known.suggest(id, others) || " Name a step of this document."}`);
  }
  if (at.step === null) return [];
  const above = known.upstream(at.step);
  const step = known.structure.nodes[at.step]?.outline;
  if (step === undefined || above.has(id)) return [];
  if (step.id === id) return refuse("a step cannot see its own outcome: name a step that it depends on.");
  const others = above.size === 0 ? "" : `, or name one of ${list([...above])}`;
  return refuse(`${nameOf(step)} does not come after it: add it to dependsOn${others}.`);
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
