// Holds the arrows of docs/lifecycle.md against the transitions that decide() records, both ways: the page draws no
// arrow that never comes about, and leaves out none that does. They come from every reachable (state, event) pair of the
// table, and from the two ways in which a retry lets a step go on with the child it had, which the table has no pair for.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { decide } from "./decide.ts";
import type { HistoryEvent } from "./messages.ts";
import type { ExecutionState } from "./state.ts";
import { play } from "./testing/play.ts";
import { queuedExecution, subworkflow } from "./testing/steps.ts";
import { allPairs } from "./testing/table.ts";

const PAGE = fileURLToPath(new URL("../../../../docs/lifecycle.md", import.meta.url));

/** For a machine that is busy with all the other tests; ms. */
const TIMEOUT_MS = 60_000;

it.each(["execution", "step"] as const)(
  "docs/lifecycle.md draws each arrow of the %s, and no other",
  (of) => {
    expect(drawnArrows(of)).toEqual([...new Set(recordedArrows(of))].sort());
  },
  TIMEOUT_MS,
);

/** Arrows of the state diagram below the marker; those from and to the bullets are no transitions. */
function drawnArrows(of: "execution" | "step"): string[] {
  const diagram = readFileSync(PAGE, "utf8").split(`<!-- arrows: ${of} -->`)[1]?.split("```")[1] ?? "";
  return [...diagram.matchAll(/^\s*(\w+) --> (\w+)/gm)].map(([, from, to]) => `${from} → ${to}`).sort();
}

function recordedArrows(of: "execution" | "step"): string[] {
  const decided = allPairs()
    .filter(({ reachable }) => reachable)
    .flatMap(({ graph, state, fed }) => arrows(of, state, decide(graph, state, fed).events));
  const played = [
    play([subworkflow("k")])
      .claim()
      .childEnds("k", "failed")
      .retry(),
    play([subworkflow("k")])
      .claim()
      .cancel()
      .retry(),
  ].flatMap(({ graph, events }) => arrows(of, queuedExecution(graph), events));
  return [...decided, ...played];
}

/** From status to status, event by event. */
function arrows(of: "execution" | "step", before: ExecutionState, events: readonly HistoryEvent[]): string[] {
  const stands = new Map<string, string>([["", before.status]]);
  for (const { id, status } of before.steps.values()) stands.set(id, status);
  return events.flatMap(({ type, stepId = "" }) => {
    const [subject, status = ""] = type.split(".");
    if (subject !== of) return [];
    const arrow = `${stands.get(stepId)} → ${status}`;
    stands.set(stepId, status);
    return [arrow];
  });
}
