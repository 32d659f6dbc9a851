import { describe, expect, it } from "vitest";
import type { Evaluation } from "./messages.ts";
import { BEGAN_AT, DELAY_MS, play } from "./testing/play.ts";
import { delay, http, subworkflow } from "./testing/steps.ts";

const retries = (maxAttempts: number, more = {}) => ({
  retry: { maxAttempts, backoff: "fixed", initialDelay: "1s", jitter: false, ...more },
});

describe("children", () => {
  //  k ──▶ z
  it("waits for its child's end, and passes its output on", () => {
    const run = play([subworkflow("k"), http("z", ["k"])]).claim();
    expect(run.commands.at(-1)).toEqual({ kind: "startChild", stepId: "k", childId: "child-1", wait: true });
    run.park();
    expect(run.state.status).toBe("waiting");
    run.childEnds("k", "succeeded");
    expect(run.state.status).toBe("running");
    expect(run.step("k").output).toEqual({ kind: "value", value: { of: "child-1" } });
    expect(run.step("z").status).toBe("running");
  });

  it("is none the wiser, and stays parked, for the end of another child", () => {
    const run = play([subworkflow("k")])
      .claim()
      .park();
    const before = run.state;
    const recorded = run.events.length;
    run.childEnds("k", "succeeded", "child-of-somebody-else").childEnds("gone", "failed", "child-1");
    expect(run.state).toEqual(before);
    expect(run.events).toHaveLength(recorded);
  });

  it.each(["failed", "cancelled"] as const)("fails the attempt with CHILD_FAILED when its child ends %s", (status) => {
    const run = play([subworkflow("k")])
      .claim()
      .childEnds("k", status);
    expect(run.step("k").error).toMatchObject({
      code: "CHILD_FAILED",
      step: "k",
      details: { executionId: "child-1", status },
    });
    expect(run.state.status).toBe("failed");
  });

  it("starts a new child with each attempt, and hears the newest alone", () => {
    const run = play([subworkflow("k", [], retries(3))])
      .claim()
      .childEnds("k", "failed");
    expect(run.step("k")).toMatchObject({ status: "waiting", wait: "backoff", failures: 1 });
    run.later(DELAY_MS);
    expect(run.step("k")).toMatchObject({ wait: "child", childId: "child-2", attempt: 2 });
    run.childEnds("k", "succeeded", "child-1");
    expect(run.step("k").status).toBe("waiting");
    run.childEnds("k", "succeeded");
    expect(run.state.status).toBe("succeeded");
  });

  it("cancels the child when the step's time is up, and tries again", () => {
    const run = play([subworkflow("k", [], { timeout: "5s", ...retries(2) })]).claim();
    run.later(4999);
    expect(run.step("k").wait).toBe("child");
    run.later(1);
    expect(run.commands).toContainEqual({ kind: "cancelChild", stepId: "k", childId: "child-1" });
    expect(run.step("k")).toMatchObject({ wait: "backoff", error: { code: "STEP_TIMEOUT" } });
    expect(run.attempts.at(-1)?.outcome).toBe("timed_out");
    run.childEnds("k", "cancelled", "child-1");
    expect(run.step("k").wait).toBe("backoff");
    run.later(DELAY_MS);
    run.later(5000);
    expect(run.state).toMatchObject({ status: "failed", error: { code: "STEP_TIMEOUT", step: "k" } });
  });

  it("does not wait for a child on its own", () => {
    const run = play([subworkflow("k", [], { config: { workflow: "child", wait: false } })]).claim();
    expect(run.commands).toContainEqual({ kind: "startChild", stepId: "k", childId: "child-1", wait: false });
    expect(run.step("k").output).toEqual({ kind: "value", value: { executionId: "child-1" } });
    expect(run.state.status).toBe("succeeded");
  });

  it("fails at once where its child cannot start", () => {
    const refused: Evaluation = { kind: "failed", error: { code: "CHILD_REFUSED", message: "It is archived" } };
    const run = play([subworkflow("k", [], retries(5))], { evaluations: { k: refused } }).claim();
    expect(run.state).toMatchObject({ status: "failed", error: { code: "CHILD_REFUSED" } });
  });
});

describe("delays, backoff and waking", () => {
  //  w ──▶ a
  it("lets a delay succeed when it is over, not a moment before", () => {
    const run = play([delay("w"), http("a", ["w"])])
      .claim()
      .park();
    expect(run.state.status).toBe("waiting");
    run.later(DELAY_MS - 1);
    expect(run.statuses).toEqual({ w: "waiting", a: "pending" });
    expect(run.state.status).toBe("waiting");
    run.later(1);
    expect(run.statuses).toEqual({ w: "succeeded", a: "running" });
    expect(run.step("w").output).toEqual({
      kind: "value",
      value: { until: new Date(BEGAN_AT + DELAY_MS).toISOString() },
    });
  });

  it("does not wait for a time that has passed", () => {
    const run = play([delay("w")], { evaluations: { w: { kind: "until", untilAt: BEGAN_AT } } }).claim();
    expect(run.state.status).toBe("succeeded");
    expect(run.count("step.waiting")).toBe(0);
  });

  it("freezes a request as its first attempt starts, and never evaluates it again", () => {
    const run = play([http("a", [], retries(2))]).claim();
    const frozen = { body: "of iter 1" };
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 1, input: frozen });
    run.fail("a").park().later(1000);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 2, input: frozen });
    const evaluated = run.commands.filter((command) => command.kind === "evaluate" && command.stepId === "a");
    expect(evaluated).toHaveLength(1);
  });

  it("waits the backoff out, then tries again with the same bytes", () => {
    const run = play([http("a", [], retries(2))]).claim();
    const { input } = run.step("a");
    run.fail("a").park();
    expect(run.step("a")).toMatchObject({ status: "waiting", wait: "backoff", dueAt: BEGAN_AT + 1000 });
    expect(run.step("a").reason?.code).toBe("RETRY_SCHEDULED");
    run.later(1000);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 2, input, keyIter: 1 });
    run.fail("a");
    expect(run.state.status).toBe("failed");
    expect(run.step("a").reason).toMatchObject({ code: "ATTEMPTS_USED_UP", values: { failures: 2, maxAttempts: 2 } });
  });

  it("fails at once what must not be tried again", () => {
    const run = play([http("a", [], retries(5))])
      .claim()
      .fail("a", { retryable: false });
    expect(run.state.status).toBe("failed");
    expect(run.step("a").reason?.code).toBe("NOT_RETRYABLE");
  });

  it("honours the target's Retry-After", () => {
    const run = play([http("a", [], retries(2))])
      .claim()
      .fail("a", { retryAfterMs: 20_000 });
    expect(run.step("a").dueAt).toBe(BEGAN_AT + 20_000);
  });

  it("tries no more once maxElapsed would be exceeded", () => {
    const run = play([http("a", [], retries(9, { maxElapsed: "1500ms" }))])
      .claim()
      .fail("a")
      .later(1000)
      .fail("a");
    expect(run.statuses).toEqual({ a: "failed" });
    expect(run.step("a").failures).toBe(2);
  });

  it("wakes a delay and a backoff before their time, but no child", () => {
    const run = play([delay("w"), http("a", [], retries(2)), subworkflow("k")])
      .claim()
      .fail("a")
      .park()
      .wake("w")
      .wake("a")
      .wake("k");
    expect(run.statuses).toEqual({ w: "succeeded", a: "running", k: "waiting" });
    expect(run.count("execution.running")).toBe(2);
  });

  it("takes no notice of an attempt that is not the running one", () => {
    const run = play([http("a", [], retries(3))])
      .claim()
      .claim(1);
    const before = run.state;
    const outcome = { kind: "succeeded" as const, output: null };
    for (const attempt of [0, 1, 3]) {
      run.feed({ kind: "attemptEnded", at: run.at, stepId: "a", attempt, outcome, random: 0 });
    }
    expect(run.state).toEqual(before);
  });

  it("parks only what waits: neither a running attempt nor a step that is being evaluated", () => {
    const run = play([http("a"), delay("w")])
      .claim()
      .park();
    expect(run.state.status).toBe("running");
    run.succeed("a").park();
    expect(run.state.status).toBe("waiting");
  });
});

it("ends no step before it began, also where the clock of its next worker is behind", () => {
  const run = play([http("a")]).claim();
  run.at -= 130;
  run.succeed("a");
  expect(run.step("a")).toMatchObject({ startedAt: BEGAN_AT, finishedAt: BEGAN_AT });
});
