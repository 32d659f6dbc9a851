// The contract's words on edges, joins, failure and retry, followed one by one and without regard to time. Knows
// nothing of the engine's core but the shape of a graph.
import type { Entry, Graph, GraphStep } from "@keelson/dag";

export interface StepEnd {
  readonly status: "succeeded" | "failed" | "skipped";
  readonly branch: string | null;
}

export interface ExpectedEnd {
  readonly steps: ReadonlyMap<string, StepEnd>;
  /** Steps whose failure has neither error edges nor `continue`: the first of them fails the execution at once. */
  readonly failAtOnce: readonly string[];
  /** Steps whose failure has error edges, but whose handlers were all skipped. */
  readonly failAtLast: readonly string[];
}

/** How every step ends if nothing is cut short. `ends`: of a step that runs. `kept`: what a retry has left as it was. */
export function expectedEnd(
  graph: Graph,
  ends: (step: GraphStep) => StepEnd,
  kept: ReadonlyMap<string, StepEnd>,
): ExpectedEnd {
  const known = new Map(kept);

  function endOf(step: GraphStep): StepEnd {
    const end = known.get(step.id) ?? (runs(step) ? ends(step) : { status: "skipped" as const, branch: null });
    known.set(step.id, end);
    return end;
  }

  /** "With any it runs if at least one is taken, with all only if every one is." */
  function runs(step: GraphStep): boolean {
    const taken = step.entries.map((entry) => isTaken(entry));
    return step.entries.length === 0 || (step.join === "any" ? taken.includes(true) : !taken.includes(false));
  }

  function isTaken(entry: Entry): boolean {
    const source = stepOf(graph, entry.step);
    const end = endOf(source);
    if (end.status === "skipped") return false;
    if (end.status === "failed") {
      return entry.branch === "error" || (source.onError === "continue" && entry.branch === "success");
    }
    if (entry.branch === "error") return false;
    return source.type !== "condition" || entry.branch === null || entry.branch === end.branch;
  }

  for (const step of graph.steps) endOf(step);
  const ran = new Set([...known].flatMap(([id, { status }]) => (status === "skipped" ? [] : [id])));
  const unhandled = graph.steps.filter(({ id }) => known.get(id)?.status === "failed" && !isHandled(graph, id, ran));
  return {
    steps: known,
    failAtOnce: unhandled.filter(({ id }) => handlersOf(graph, id).length === 0).map(({ id }) => id),
    failAtLast: unhandled.filter(({ id }) => handlersOf(graph, id).length > 0).map(({ id }) => id),
  };
}

/** "A failure is handled by `continue`, or by a step that ran on one of its `error` edges." */
export function isHandled(graph: Graph, id: string, ran: ReadonlySet<string>): boolean {
  return stepOf(graph, id).onError === "continue" || handlersOf(graph, id).some((handler) => ran.has(handler.id));
}

/** "Steps that failed unhandled or were cancelled run anew with all downstream of them"; `from` adds to them. */
export function runAnewBy(graph: Graph, broken: readonly string[], from: string | null): Set<string> {
  const anew = new Set(from === null ? broken : [...broken, from]);
  const isBelow = (step: GraphStep) => step.entries.some((entry) => anew.has(entry.step));
  for (let before = -1; before < anew.size;) {
    before = anew.size;
    for (const step of graph.steps) if (isBelow(step)) anew.add(step.id);
  }
  return anew;
}

function handlersOf(graph: Graph, id: string): GraphStep[] {
  return graph.steps.filter((step) => step.entries.some((entry) => entry.step === id && entry.branch === "error"));
}

function stepOf(graph: Graph, id: string): GraphStep {
  const step = graph.byId.get(id);
  if (step === undefined) throw new Error(`No step '${id}'`);
  return step;
}
