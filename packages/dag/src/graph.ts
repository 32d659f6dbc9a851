// The graph that the engine runs: steps with their defaults resolved, edges both ways, levels and leaves.

import { parseDuration, type Step, type StepType, type WorkflowDefinition } from "@keelson/contracts";
import type { EdgeNode } from "./edges.ts";
import { followersOf } from "./order.ts";
import { outlineSteps } from "./outline.ts";
import { type ResolvedRetry, resolveRetry } from "./retry.ts";
import { checkStructure, type Structure } from "./structure.ts";

export interface Entry {
  /** Id of the step that is waited for. */
  readonly step: string;
  /** `success`, `error` or a condition's branch; null, of a condition, for whichever branch was taken. */
  readonly branch: string | null;
}

export interface GraphStep {
  readonly id: string;
  /** Place in the document, from 0. */
  readonly index: number;
  readonly type: StepType;
  /** As written, or the default. */
  readonly join: "all" | "any";
  readonly entries: readonly Entry[];
  /** Ids of the steps with an entry for this one, each once, in document order. */
  readonly followers: readonly string[];
  readonly hasErrorEdges: boolean;
  readonly onError: "fail" | "continue";
  readonly retry: ResolvedRetry;
  /** Longest duration of an attempt, in ms; null where there is no bound. */
  readonly timeoutMs: number | null;
  readonly definition: Step;
}

export interface Graph {
  /** In document order. */
  readonly steps: readonly GraphStep[];
  readonly byId: ReadonlyMap<string, GraphStep>;
  /** Ids by level: each step one level below the lowest of those it waits for. */
  readonly levels: readonly (readonly string[])[];
  /** Steps on the longest path. */
  readonly depth: number;
  /** Ids of the steps that no step follows but by error; their outputs are the default output. */
  readonly leaves: readonly string[];
}

/** Time-out of an http attempt that sets none, in ms. */
const HTTP_TIMEOUT_MS = 30_000;

/** Builds the graph of a definition that has been checked; throws for one with problems in its edges. */
export function buildGraph(definition: WorkflowDefinition): Graph {
  const structure = checkStructure(outlineSteps(definition.steps));
  const [first] = structure.problems;
  if (first !== undefined) throw new Error(`The definition has not been checked: ${first.message}`);
  return graphOf(definition, structure);
}

/** The graph of a definition whose structure is known to be sound. */
export function graphOf(definition: WorkflowDefinition, structure: Structure): Graph {
  const { nodes, sources, order, joins } = structure;
  const idOf = (index: number) => definition.steps[index]?.id ?? "";
  const followers = followersOf(sources);
  const followed = new Set(
    nodes.flatMap((node) => node.edges.flatMap((edge) => (edge.branch === "error" ? [] : [edge.from]))),
  );
  const withErrorEdges = new Set(
    nodes.flatMap((node) => node.edges.flatMap((edge) => (edge.branch === "error" ? [edge.from] : []))),
  );
  const steps = definition.steps.map((step, index): GraphStep => ({
    id: step.id,
    index,
    type: step.type,
    join: joins[index]?.join ?? "all",
    entries: entriesOf(nodes[index], idOf),
    followers: (followers[index] ?? []).map(idOf),
    hasErrorEdges: withErrorEdges.has(index),
    onError: step.onError ?? "fail",
    retry: resolveRetry(step.type, step.retry),
    timeoutMs: timeoutOf(step),
    definition: step,
  }));
  const levels = Map.groupBy(order.sorted, (index) => order.levels[index] ?? 0);
  return {
    steps,
    byId: new Map(steps.map((step) => [step.id, step])),
    levels: [...levels.values()].map((level) => level.map(idOf)),
    depth: levels.size,
    leaves: steps.flatMap((step) => (followed.has(step.index) ? [] : [step.id])),
  };
}

function entriesOf(node: EdgeNode | undefined, idOf: (index: number) => string): Entry[] {
  return (node?.edges ?? []).map(({ from, branch }) => ({ step: idOf(from), branch }));
}

function timeoutOf(step: Step): number | null {
  switch (step.type) {
    case "http":
      return step.timeout === undefined ? HTTP_TIMEOUT_MS : parseDuration(step.timeout);
    case "subworkflow":
      return step.timeout === undefined ? null : parseDuration(step.timeout);
    default:
      return null;
  }
}
