// Edges and joins: what a step's end means for the steps behind it (dead-path elimination).
import type { Entry, GraphStep } from "@keelson/dag";
import type { Reason, StepState } from "./state.ts";

export type EdgeState = "undecided" | "taken" | "dead";

export type JoinVerdict =
  | { readonly kind: "waits"; readonly reason: Reason }
  | { readonly kind: "runs"; readonly reason: Reason }
  | { readonly kind: "skipped"; readonly reason: Reason };

/** Whether the edge out of `source` that `entry` stands for is taken, dead or not decided yet. */
export function edgeState(entry: Entry, source: StepState, onError: "fail" | "continue"): EdgeState {
  switch (source.status) {
    case "succeeded":
      return taken(entry.branch === null || entry.branch === (source.branch ?? "success"));
    case "failed":
      return taken(entry.branch === "error" || (onError === "continue" && entry.branch === "success"));
    case "skipped":
    case "cancelled":
      return "dead";
    default:
      return "undecided";
  }
}

/** A step waits until all its entries are decided; then its join says whether it runs. */
export function judgeJoin(
  step: GraphStep,
  stateOf: (id: string) => StepState,
  onErrorOf: (id: string) => "fail" | "continue",
): JoinVerdict {
  if (step.entries.length === 0) return { kind: "runs", reason: { code: "ROOT", values: {} } };
  const edges = step.entries.map((entry) => ({
    step: entry.step,
    branch: entry.branch ?? "any branch",
    state: edgeState(entry, stateOf(entry.step), onErrorOf(entry.step)),
  }));
  const values = { join: step.join, entries: edges };
  if (edges.some((edge) => edge.state === "undecided")) {
    return { kind: "waits", reason: { code: "WAITS_FOR_ENTRIES", values } };
  }
  const runs = step.join === "any" ? edges.some(isTaken) : edges.every(isTaken);
  if (runs) return { kind: "runs", reason: { code: "ENTRIES_TAKEN", values } };
  return { kind: "skipped", reason: { code: step.join === "any" ? "NO_ENTRY_TAKEN" : "ENTRY_DEAD", values } };
}

function taken(yes: boolean): EdgeState {
  return yes ? "taken" : "dead";
}

function isTaken(edge: { readonly state: EdgeState }): boolean {
  return edge.state === "taken";
}
