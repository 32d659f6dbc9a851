// The table of every (state, event) pair. Read a row as: while the execution is [so] and this event comes, a step `s`
// that stands so does this: what changes | what is asked for | what is recorded. Every pair without a row: nothing at all.
//
//   s ──▶ after        s: http, delay or subworkflow, as its state demands; two attempts, of a subworkflow one
//   other              a delay that lasts; it has failed where the execution is failing
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { isEnded, isStepEnded, type StepStatus } from "@keelson/contracts";
import { decide } from "./decide.ts";
import { deepFreeze } from "./testing/steps.ts";
import { allPairs, describeDecision, EVENTS, SHAPES, type Pair } from "./testing/table.ts";

const TABLE = `
[queued]
  claimed
    pending: execution running, s running, other running | evaluate(s), evaluate(other) | execution.running, step.running(s), step.running(other)
    child overdue, child in time, succeeded: execution running, other running | evaluate(other) | execution.running, step.running(other)
    succeeded last: execution running | evaluateOutput | execution.running
  claimed after three losses
    pending: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded: execution failed WORKER_LOST, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed WORKER_LOST |  | execution.failed
  claimed past the deadline
    pending: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  timer fired at the deadline
    pending: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  cancel requested
    pending: execution cancelled, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    child overdue, child in time: execution cancelled, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    succeeded: execution cancelled, other cancelled |  | step.cancelled(other), execution.cancelled
    succeeded last: execution cancelled |  | execution.cancelled
  child succeeded
    child overdue, child in time: s succeeded |  | step.succeeded(s)
  child failed
    child overdue, child in time: failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other)
  child cancelled
    child overdue, child in time: failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other)

[queued, failing]
  claimed
    succeeded, failed, skipped, cancelled: execution failed HTTP_NETWORK |  | execution.running, execution.failed
  claimed after three losses
    succeeded, failed, skipped, cancelled: execution failed WORKER_LOST |  | execution.failed
  claimed past the deadline
    succeeded, failed, skipped, cancelled: execution failed EXECUTION_TIMEOUT |  | execution.failed
  timer fired at the deadline
    succeeded, failed, skipped, cancelled: execution failed EXECUTION_TIMEOUT |  | execution.failed
  cancel requested
    succeeded, failed, skipped, cancelled: execution cancelled |  | execution.cancelled

[queued, held]
  claimed past the deadline
    pending: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  timer fired at the deadline
    pending: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  cancel requested
    pending: execution cancelled, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    child overdue, child in time: execution cancelled, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    succeeded: execution cancelled, other cancelled |  | step.cancelled(other), execution.cancelled
    succeeded last: execution cancelled |  | execution.cancelled
  hold lifted
    pending, child overdue, child in time, succeeded, succeeded last: free |  |
  child succeeded
    child overdue, child in time: s succeeded |  | step.succeeded(s)
  child failed
    child overdue, child in time: failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other)
  child cancelled
    child overdue, child in time: failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other)

[queued, held, failing]
  claimed past the deadline
    succeeded, failed, skipped, cancelled: execution failed EXECUTION_TIMEOUT |  | execution.failed
  timer fired at the deadline
    succeeded, failed, skipped, cancelled: execution failed EXECUTION_TIMEOUT |  | execution.failed
  cancel requested
    succeeded, failed, skipped, cancelled: execution cancelled |  | execution.cancelled
  hold lifted
    succeeded, failed, skipped, cancelled: free |  |

[running]
  claimed
    being evaluated:  | evaluate(s) |
    attempt runs: s running | perform(s) | attempt.failed(s), attempt.started(s)
    succeeded last:  | evaluateOutput |
  claimed after three losses
    being evaluated: execution failed WORKER_LOST, s failed, after cancelled, other cancelled |  | step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
    attempt runs: execution failed WORKER_LOST, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
    delay due, delay to come, backoff due: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed WORKER_LOST, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed WORKER_LOST |  | execution.failed
  claimed past the deadline
    being evaluated, delay due, delay to come, backoff due: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    attempt runs: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | abort(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  evaluated: output
    being evaluated: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
  evaluated: branch
    being evaluated: s succeeded, after skipped |  | step.succeeded(s), step.skipped(after)
  evaluated: until to come
    being evaluated: s delay |  | step.waiting(s)
  evaluated: until now
    being evaluated: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
  evaluated: request
    being evaluated: s running | perform(s) | attempt.started(s)
  evaluated: child
    being evaluated: s child | startChild(s) | attempt.started(s), step.waiting(s)
  evaluated: child on its own
    being evaluated: s succeeded, after running | startChild(s), evaluate(after) | attempt.started(s), step.succeeded(s), step.running(after)
  evaluated: failed
    being evaluated: execution failed EXPRESSION_FAILED, failing EXPRESSION_FAILED, s failed, after cancelled, other cancelled |  | step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  timer fired at the deadline
    being evaluated, delay due, delay to come, backoff due: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    attempt runs: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | abort(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
    succeeded last: execution failed EXECUTION_TIMEOUT |  | execution.failed
  cancel requested
    being evaluated, delay due, delay to come, backoff due: execution cancelled, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    attempt runs: execution cancelled, s cancelled, after cancelled, other cancelled | abort(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    child overdue, child in time: execution cancelled, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    succeeded, skipped: execution cancelled, other cancelled |  | step.cancelled(other), execution.cancelled
    succeeded last: execution cancelled |  | execution.cancelled
  attempt succeeded
    attempt runs: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
  attempt failed
    attempt runs: s backoff |  | attempt.failed(s), step.waiting(s)
  attempt failed for good
    attempt runs: execution failed HTTP_STATUS, failing HTTP_STATUS, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  timer fired
    delay due: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
    backoff due: s running | perform(s) | step.running(s), attempt.started(s)
    child overdue: execution failed STEP_TIMEOUT, failing STEP_TIMEOUT, s failed, after cancelled, other cancelled | cancelChild(s) | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  step woken
    delay due, delay to come: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
    backoff due: s running | perform(s) | step.running(s), attempt.started(s)
  parked
    delay due, delay to come, backoff due, child overdue, child in time, succeeded, skipped: execution waiting |  | execution.waiting
  child succeeded
    child overdue, child in time: s succeeded, after running | evaluate(after) | step.succeeded(s), step.running(after)
  child failed
    child overdue, child in time: execution failed CHILD_FAILED, failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  child cancelled
    child overdue, child in time: execution failed CHILD_FAILED, failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  output evaluated
    succeeded last: execution succeeded |  | execution.succeeded
  output invalid
    succeeded last: execution failed OUTPUT_INVALID |  | execution.failed

[running, failing]
  claimed
    attempt runs: execution failed HTTP_NETWORK, s cancelled |  | attempt.failed(s), step.cancelled(s), execution.failed
  claimed after three losses
    attempt runs: execution failed WORKER_LOST, s failed |  | attempt.failed(s), step.failed(s), execution.failed
  claimed past the deadline
    attempt runs: execution failed EXECUTION_TIMEOUT, s cancelled | abort(s) | step.cancelled(s), execution.failed
  attempt succeeded
    attempt runs: execution failed HTTP_NETWORK, s succeeded |  | step.succeeded(s), execution.failed
  attempt failed
    attempt runs: execution failed HTTP_NETWORK, s failed |  | attempt.failed(s), step.failed(s), execution.failed
  attempt failed for good
    attempt runs: execution failed HTTP_NETWORK, s failed |  | attempt.failed(s), step.failed(s), execution.failed
  timer fired at the deadline
    attempt runs: execution failed EXECUTION_TIMEOUT, s cancelled | abort(s) | step.cancelled(s), execution.failed
  cancel requested
    attempt runs: execution cancelled, s cancelled | abort(s) | step.cancelled(s), execution.cancelled

[waiting]
  claimed
    delay due, delay to come, backoff due, child overdue, child in time, succeeded, skipped: execution running |  | execution.running
  claimed after three losses
    delay due, delay to come, backoff due: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed WORKER_LOST, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed WORKER_LOST, other cancelled |  | step.cancelled(other), execution.failed
  claimed past the deadline
    delay due, delay to come, backoff due: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
  timer fired
    delay due: execution running, s succeeded, after running | evaluate(after) | execution.running, step.succeeded(s), step.running(after)
    backoff due: execution running, s running | perform(s) | execution.running, step.running(s), attempt.started(s)
    child overdue: execution failed STEP_TIMEOUT, failing STEP_TIMEOUT, s failed, after cancelled, other cancelled | cancelChild(s) | execution.running, attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  timer fired at the deadline
    delay due, delay to come, backoff due: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    child overdue, child in time: execution failed EXECUTION_TIMEOUT, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.failed
    succeeded, skipped: execution failed EXECUTION_TIMEOUT, other cancelled |  | step.cancelled(other), execution.failed
  cancel requested
    delay due, delay to come, backoff due: execution cancelled, s cancelled, after cancelled, other cancelled |  | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    child overdue, child in time: execution cancelled, s cancelled, after cancelled, other cancelled | cancelChild(s) | step.cancelled(s), step.cancelled(after), step.cancelled(other), execution.cancelled
    succeeded, skipped: execution cancelled, other cancelled |  | step.cancelled(other), execution.cancelled
  step woken
    delay due, delay to come: execution running, s succeeded, after running | evaluate(after) | execution.running, step.succeeded(s), step.running(after)
    backoff due: execution running, s running | perform(s) | execution.running, step.running(s), attempt.started(s)
  child succeeded
    child overdue, child in time: execution running, s succeeded, after running | evaluate(after) | execution.running, step.succeeded(s), step.running(after)
  child failed
    child overdue, child in time: execution failed CHILD_FAILED, failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | execution.running, attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed
  child cancelled
    child overdue, child in time: execution failed CHILD_FAILED, failing CHILD_FAILED, s failed, after cancelled, other cancelled |  | execution.running, attempt.failed(s), step.failed(s), step.cancelled(after), step.cancelled(other), execution.failed

[failed / cancelled]
  retry from s requested
    succeeded, succeeded last, failed, skipped, cancelled: execution queued, held, s pending, after pending |  | step.pending(s), step.pending(after), execution.queued
  retry requested
    failed, cancelled: execution queued, s pending, after pending |  | step.pending(s), step.pending(after), execution.queued

[failed, failing / cancelled, failing]
  retry requested
    succeeded, succeeded last, skipped: execution queued, failing no more, after pending, other pending |  | step.pending(after), step.pending(other), execution.queued
    failed, cancelled: execution queued, failing no more, s pending, after pending, other pending |  | step.pending(s), step.pending(after), step.pending(other), execution.queued
  retry from s requested
    succeeded, succeeded last, skipped: execution queued, failing no more, held, after pending, other pending, s pending |  | step.pending(after), step.pending(other), step.pending(s), execution.queued
    failed, cancelled: execution queued, failing no more, held, s pending, after pending, other pending |  | step.pending(s), step.pending(after), step.pending(other), execution.queued
`;

const pairs = allPairs();
const rows = parseTable(TABLE);
function decided(pair: Pair) {
  return decide(pair.graph, deepFreeze(pair.state), deepFreeze(pair.fed));
}

describe("the table of every state and event", () => {
  it("knows every way in which an execution, a step and an event may meet", () => {
    const shapes = Object.values(SHAPES).flatMap((ways) => Object.keys(ways)).length;
    const events = Object.values(EVENTS).flatMap((ways) => Object.keys(ways)).length;
    expect(pairs).toHaveLength(6 * 2 * 2 * shapes * events);
  });

  it("has no row for a pair that cannot come about", () => {
    const reachable = new Set(pairs.filter((pair) => pair.reachable).map(keyOf));
    expect([...rows.keys()].filter((key) => !reachable.has(key))).toEqual([]);
  });

  const executions = [...new Set(pairs.filter((pair) => pair.reachable).map(({ execution }) => execution))];
  it.each(executions)("is what decide() says while the execution is %s", (execution) => {
    const wrong = pairs
      .filter((pair) => pair.reachable && pair.execution === execution)
      .map((pair) => ({
        pair: keyOf(pair),
        says: describeDecision(pair.state, decided(pair)),
        table: rows.get(keyOf(pair)) ?? "",
      }))
      .filter(({ says, table }) => says !== table);
    expect(wrong).toEqual([]);
  });
});

describe("every pair, those that no decision leads to included", () => {
  it("is decided without throwing and without touching what was handed in", () => {
    const thrown = pairs.flatMap((pair) => {
      try {
        decided(pair);
        return [];
      } catch (error) {
        return [[keyOf(pair), error]];
      }
    });
    expect(thrown).toEqual([]);
  });

  it("leaves an ended execution as it is, but for a retry (I3)", () => {
    const changed = pairs
      .filter(({ state, fed }) => isEnded(state.status) && fed.kind !== "retryRequested")
      .filter((pair) => {
        const decision = decided(pair);
        return !isDeepStrictEqual(decision.state, pair.state) || describeDecision(pair.state, decision) !== "";
      });
    expect(changed.map(keyOf)).toEqual([]);
  });

  it("leaves an ended step as it is, but for a retry (I3)", () => {
    const changed = pairs
      .filter(({ state, fed }) => isStepEnded(statusOf(state)) && fed.kind !== "retryRequested")
      .filter((pair) => decided(pair).state.steps.get("s") !== pair.state.steps.get("s"));
    expect(changed.map(keyOf)).toEqual([]);
  });

  it("begins no step and no attempt of a held execution", () => {
    const begun = pairs
      .filter(({ state, reachable }) => state.held && reachable)
      .filter((pair) =>
        decided(pair).commands.some(({ kind }) => kind === "perform" || kind === "evaluate" || kind === "startChild"),
      );
    expect(begun.map(keyOf)).toEqual([]);
  });

  it("names every step that differs as changed", () => {
    const unnamed = pairs.filter((pair) => {
      const { state, changed } = decided(pair);
      return [...state.steps].some(([id, step]) => step !== pair.state.steps.get(id) && !changed.includes(id));
    });
    expect(unnamed.map(keyOf)).toEqual([]);
  });
});

function statusOf(state: Pair["state"]): StepStatus {
  return state.steps.get("s")?.status ?? "pending";
}

function keyOf({ execution, event, shape }: Pick<Pair, "execution" | "event" | "shape">): string {
  return `[${execution}] ${event}: ${shape}`;
}

/** By pair, what the table says. */
function parseTable(text: string): Map<string, string> {
  const rows = new Map<string, string>();
  let executions: string[] = [];
  let event = "";
  for (const line of text.split("\n").filter((each) => each.trim() !== "")) {
    if (line.startsWith("[")) executions = line.slice(1, -1).split(" / ");
    else if (!line.startsWith("    ")) event = line.trim();
    else {
      const [, shapes = "", effect = ""] = /^ {4}([^:]+): ?(.*)$/.exec(line) ?? [];
      for (const execution of executions)
        for (const shape of shapes.split(", ")) rows.set(keyOf({ execution, event, shape }), effect);
    }
  }
  return rows;
}
