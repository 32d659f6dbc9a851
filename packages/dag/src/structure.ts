// The graph of a document, as far as it can be made out: edges, order, joins, and all that is wrong with them.

import { LIMITS } from "@keelson/contracts";
import { checkCycles } from "./cycles.ts";
import { type EdgeNode, nameOf, resolveEdges } from "./edges.ts";
import { type JoinVerdict, resolveJoins } from "./joins.ts";
import { checkDepth, type GraphOrder, orderSteps } from "./order.ts";
import type { StepOutline } from "./outline.ts";
import { type DefinitionProblem, problem } from "./problem.ts";

export interface Structure {
  readonly nodes: readonly EdgeNode[];
  /** The distinct steps that each step depends on. */
  readonly sources: readonly (readonly number[])[];
  readonly order: GraphOrder;
  readonly joins: readonly JoinVerdict[];
  readonly problems: readonly DefinitionProblem[];
}

/** Resolves and checks the graph. With more steps than are allowed, joins are not looked at: that would not be linear. */
export function checkStructure(outlines: readonly StepOutline[]): Structure {
  const { nodes, problems } = resolveEdges(outlines);
  const sources = nodes.map((node) => [...new Set(node.edges.map((edge) => edge.from))]);
  const order = orderSteps(sources);
  const joins = outlines.length > LIMITS.steps ? [] : joinsOf(nodes, order);
  return {
    nodes,
    sources,
    order,
    joins,
    problems: [
      ...problems,
      ...checkCycles(nodes, sources),
      ...checkDepth(nodes, sources, order, LIMITS.pathSteps),
      ...neverRuns(nodes, order, joins),
    ],
  };
}

function joinsOf(nodes: readonly EdgeNode[], order: GraphOrder): JoinVerdict[] {
  const joinNodes = nodes.map(({ outline, edges }) => ({
    entries: edges,
    join: outline.join,
    branches: outline.branches ?? [],
  }));
  return resolveJoins(joinNodes, order.sorted);
}

/** Steps whose `all` cannot be fulfilled; not those at or below an entry that could not be read, which may be why. */
function neverRuns(nodes: readonly EdgeNode[], order: GraphOrder, joins: readonly JoinVerdict[]): DefinitionProblem[] {
  const unsure = new Set<number>();
  return order.sorted.flatMap((step) => {
    const node = nodes[step];
    const conflict = joins[step]?.conflict;
    if (node === undefined) return [];
    if (node.incomplete || node.outline.branches === null || node.edges.some((edge) => unsure.has(edge.from))) {
      unsure.add(step);
      return [];
    }
    if (conflict === null || conflict === undefined) return [];
    const [one, other] = conflict.map((index) => entryText(node, index));
    const message = `${nameOf(node.outline)} waits for all of its entries, but ${one} and ${other} can never both be taken: write "join": "any", or remove one of them.`;
    return [problem("NEVER_RUNS", ["steps", step, "dependsOn"], message)];
  });
}

function entryText(node: EdgeNode, edge: number): string {
  const position = node.edges[edge]?.position;
  return JSON.stringify(node.outline.entries.find((entry) => entry.position === position)?.text ?? "");
}
