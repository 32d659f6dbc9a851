// Edges: which step each entry of `dependsOn` stands for, and on which of its outcomes. What cannot be resolved is
// reported and left out, and the step marked, so that later checks do not accuse it of what follows from that.

import { aliased, createSuggester, list, type suggestion } from "@keelson/contracts";
import type { OutlineEntry, StepOutline } from "./outline.ts";
import { type DefinitionProblem, problem, type ProblemCode } from "./problem.ts";

export interface Edge {
  /** Index in `dependsOn`. */
  readonly position: number;
  /** Index of the step that is waited for. */
  readonly from: number;
  /** `success`, `error` or a condition's branch; null for whichever branch a condition took. */
  readonly branch: string | null;
}

export interface EdgeNode {
  readonly outline: StepOutline;
  readonly edges: readonly Edge[];
  /** True if an entry was left out. */
  readonly incomplete: boolean;
}

export interface ResolvedEdges {
  readonly nodes: readonly EdgeNode[];
  readonly problems: readonly DefinitionProblem[];
}

/** Ids beyond which none is suggested. */
const MAX_SUGGESTED = 400;

/** Resolves the entries of all steps: ids, step names, branches, and entries that cannot stand together. */
export function resolveEdges(outlines: readonly StepOutline[]): ResolvedEdges {
  const problems: DefinitionProblem[] = [];
  const byId = indexById(outlines, problems);
  const ids = [...byId.keys()].slice(0, MAX_SUGGESTED);
  const steps: Steps = { outlines, byId, ids, suggest: createSuggester() };
  const nodes = outlines.map((outline) => {
    const resolved = outline.entries.map((entry) => resolveEntry(steps, outline, entry));
    const edges = resolved.flatMap((result) => ("edge" in result ? [result.edge] : []));
    for (const result of resolved) if ("problem" in result) problems.push(result.problem);
    problems.push(...repeatedEntries(outline));
    return { outline, edges: distinct(edges), incomplete: outline.hasUnreadEntries || edges.length < resolved.length };
  });
  problems.push(...continuedWithErrorEdges(nodes));
  return { nodes, problems };
}

interface Steps {
  readonly outlines: readonly StepOutline[];
  readonly byId: ReadonlyMap<string, number>;
  /** The first few hundred, to suggest from. */
  readonly ids: readonly string[];
  readonly suggest: typeof suggestion;
}

/** The first step of each id; a later one of the same id is reported. */
function indexById(outlines: readonly StepOutline[], problems: DefinitionProblem[]): ReadonlyMap<string, number> {
  const byId = new Map<string, number>();
  for (const { id, index } of outlines) {
    if (id === null) continue;
    const first = byId.get(id);
    if (first === undefined) byId.set(id, index);
    else {
      const message = `Step number ${index + 1} has the id "${id}", which step number ${first + 1} has already: ids are unique in a document, rename one of them.`;
      problems.push(problem("DUPLICATE_STEP_ID", ["steps", index, "id"], message));
    }
  }
  return byId;
}

type Resolution = { readonly edge: Edge } | { readonly problem: DefinitionProblem };

function resolveEntry(steps: Steps, outline: StepOutline, entry: OutlineEntry): Resolution {
  const { outlines, byId, ids, suggest } = steps;
  const { position, branch, text } = entry;
  const refuse = (code: ProblemCode, rule: string): Resolution => ({
    problem: problem(code, ["steps", outline.index, "dependsOn", position], `${nameOf(outline)} depends on ${rule}`),
  });
  if (entry.step === outline.id) return refuse("SELF_DEPENDENCY", `itself by "${text}": remove that entry.`);
  const from = byId.get(entry.step);
  const source = from === undefined ? undefined : outlines[from];
  if (from === undefined || source === undefined) {
    const others = ids.filter((id) => id !== outline.id);
    const hint = suggest(entry.step, others) || namedOf(others);
    return refuse("UNKNOWN_STEP", `"${text}", but there is no step "${entry.step}".${hint}`);
  }
  if (branch === null) return { edge: { position, from, branch: source.type === "condition" ? null : "success" } };
  const known = source.branches;
  if (branch === "error" || known === null || known.includes(branch)) return { edge: { position, from, branch } };
  const names = [...known, "error"];
  return refuse(
    "UNKNOWN_BRANCH",
    `"${text}", but step "${entry.step}" has no branch "${branch}": its branches are ${list(names)}.${nearBranch(steps, entry, names)}`,
  );
}

/** What other engines call the branches. */
const BRANCH_ALIASES = {
  error: "failed failure fail catch rejected",
  success: "succeeded ok done completed then",
  true: "yes then success",
  false: "no else",
};

function nearBranch({ suggest }: Steps, { step, branch }: OutlineEntry, names: readonly string[]): string {
  const alias = aliased(branch ?? "", names, BRANCH_ALIASES);
  if (branch === "success") return ` Write "${step}" alone for whichever was taken.`;
  return alias === null ? suggest(branch ?? "", names) : ` Did you mean "${alias}"?`;
}

function namedOf(ids: readonly string[]): string {
  return ids.length === 0 ? " It is the only step: remove that entry." : ` Other steps: ${list(ids)}.`;
}

function repeatedEntries(outline: StepOutline): DefinitionProblem[] {
  const seen = new Set<string>();
  return outline.entries.flatMap(({ position, text }) => {
    if (seen.size < seen.add(text).size) return [];
    const message = `${nameOf(outline)} names "${text}" in dependsOn more than once: once is enough.`;
    return [problem("INVALID_FIELD", ["steps", outline.index, "dependsOn", position], message)];
  });
}

function distinct(edges: readonly Edge[]): readonly Edge[] {
  const seen = new Map<string, Edge>();
  for (const edge of edges) {
    const key = `${edge.from}:${edge.branch ?? ""}`;
    if (!seen.has(key)) seen.set(key, edge);
  }
  return [...seen.values()];
}

function continuedWithErrorEdges(nodes: readonly EdgeNode[]): DefinitionProblem[] {
  const followers = new Map<number, StepOutline>();
  for (const { outline, edges } of nodes) {
    for (const { from, branch } of edges) if (branch === "error" && !followers.has(from)) followers.set(from, outline);
  }
  return nodes.flatMap(({ outline }) => {
    const follower = followers.get(outline.index);
    if (follower === undefined || !outline.continues || outline.type === "condition") return [];
    const message = `${nameOf(outline)} has onError "continue", but ${nameOf(follower)} depends on its error: a failure is either passed over or followed, remove one of the two.`;
    return [problem("INVALID_FIELD", ["steps", outline.index, "onError"], message)];
  });
}

/** How messages name a step. */
export function nameOf(outline: StepOutline): string {
  return outline.id === null ? `Step number ${outline.index + 1}` : `Step "${outline.id}"`;
}
