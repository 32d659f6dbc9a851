// How executions end before their time, or do not begin.
import { describe, expect, it } from "vitest";
import { BEGAN_AT, DELAY_MS, play } from "./testing/play.ts";
import { delay, http, subworkflow, transform } from "./testing/steps.ts";

const retries = (maxAttempts: number, more = {}) => ({
  retry: { maxAttempts, backoff: "fixed", initialDelay: "1s", jitter: false, ...more },
});

describe("a failure that nothing handles", () => {
  //  a ──▶ b        (a fails)
  //  s   (attempt runs)   w (delay)   k (child)   p: backoff
  //  s ──▶ t
  it("cancels what waits and all that comes after, lets attempts end, and starts nothing new", () => {
    const steps = [
      http("a"),
      http("b", ["a"]),
      http("s"),
      http("t", ["s"]),
      delay("w"),
      subworkflow("k"),
      http("p", [], retries(3)),
    ];
    const run = play(steps).claim().fail("p").fail("a");
    expect(run.statuses).toEqual({
      a: "failed",
      b: "cancelled",
      s: "running",
      t: "cancelled",
      w: "cancelled",
      k: "cancelled",
      p: "cancelled",
    });
    expect(run.commands).toContainEqual({ kind: "cancelChild", stepId: "k", childId: "child-1" });
    expect(run.commands.filter(({ kind }) => kind === "abort")).toEqual([]);
    expect(run.state.status).toBe("running");
    run.later(DELAY_MS * 10);
    expect(run.state.status).toBe("running");
    run.succeed("s");
    expect(run.step("s").status).toBe("succeeded");
    expect(run.state).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS", step: "a" } });
  });

  //  a      (fails first)
  //  s      (three attempts, fails second)
  it("does not try again an attempt that was let end, and fails with the first such error", () => {
    const run = play([http("a"), http("s", [], retries(3))])
      .claim()
      .fail("a", { code: "HTTP_REFUSED" })
      .fail("s", { code: "HTTP_NETWORK" });
    expect(run.statuses).toEqual({ a: "failed", s: "failed" });
    expect(run.state.error).toMatchObject({ code: "HTTP_REFUSED", step: "a" });
    expect(run.attempts.at(-1)).toMatchObject({ stepId: "s", nextAttemptAt: null });
    expect(run.step("s").reason?.code).toBe("EXECUTION_FAILED");
  });

  //  a      (fails)        s ─error─▶ h     (s fails later)
  it("does not start a handler once the execution is failing", () => {
    const run = play([http("a"), http("s"), http("h", ["s:error"])])
      .claim()
      .fail("a")
      .fail("s");
    expect(run.statuses).toEqual({ a: "failed", s: "failed", h: "cancelled" });
    expect(run.state.error?.step).toBe("a");
  });

  //  a ─error─┐
  //           ├─all─▶ h       (a fails, b succeeds: h is skipped)
  //  b ─error─┘       s ──▶ t  goes on to its end
  it("fails only when nothing else is left to run where the handlers were all skipped", () => {
    const steps = [
      http("a"),
      http("b"),
      http("h", ["a:error", "b:error"], { join: "all" }),
      http("s"),
      http("t", ["s"]),
    ];
    const run = play(steps).claim().fail("a").succeed("b");
    expect(run.statuses).toMatchObject({ a: "failed", h: "skipped", s: "running" });
    expect(run.state.status).toBe("running");
    run.succeed("s").succeed("t");
    expect(run.statuses).toMatchObject({ s: "succeeded", t: "succeeded" });
    expect(run.state).toMatchObject({ status: "failed", error: { step: "a" } });
  });

  //  a ─error─▶ h        (both fail)
  it("fails with its handler's error where the handler fails as well", () => {
    const run = play([http("a"), http("h", ["a:error"])])
      .claim()
      .fail("a")
      .fail("h", { code: "HTTP_REFUSED" });
    expect(run.state).toMatchObject({ status: "failed", error: { code: "HTTP_REFUSED", step: "h" } });
  });

  //  a ─error─▶ h1 (all, with b: skipped)
  //  └─error─▶ h2  (runs)
  it("is handled if one of several handlers ran", () => {
    const steps = [http("a"), http("b"), http("h1", ["a:error", "b:error"], { join: "all" }), http("h2", ["a:error"])];
    const run = play(steps).claim().fail("a").succeed("b").succeed("h2");
    expect(run.statuses).toEqual({ a: "failed", b: "succeeded", h1: "skipped", h2: "succeeded" });
    expect(run.state.status).toBe("succeeded");
  });

  it("fails with OUTPUT_INVALID where the steps succeeded and the output cannot be evaluated", () => {
    const error = { code: "OUTPUT_INVALID" as const, message: "steps.a.output.x: there is no x" };
    const run = play([http("a")], { output: { ok: false, error } })
      .claim()
      .succeed("a");
    expect(run.state).toMatchObject({ status: "failed", error, output: null });
  });
});

describe("cancel", () => {
  //  a (runs) ──▶ b     w (delay)     k (child)    d (succeeded)    n (child on its own)
  it("aborts attempts, cancels children that are waited for, and ends at once", () => {
    const alone = subworkflow("n", [], { config: { workflow: "child", wait: false } });
    const run = play([http("a"), http("b", ["a"]), delay("w"), subworkflow("k"), transform("d"), alone])
      .claim()
      .cancel();
    const cancelled = { a: "cancelled", b: "cancelled", w: "cancelled", k: "cancelled" };
    expect(run.statuses).toEqual({ ...cancelled, d: "succeeded", n: "succeeded" });
    expect(run.state).toMatchObject({ status: "cancelled", error: null });
    expect(run.commands.slice(-2)).toEqual([
      { kind: "abort", stepId: "a" },
      { kind: "cancelChild", stepId: "k", childId: run.step("k").childId },
    ]);
    expect(run.step("a").inDoubt).toBe(true);
    expect(run.attempts.map(({ stepId, outcome }) => [stepId, outcome])).toEqual([
      ["n", "succeeded"],
      ["a", "cancelled"],
      ["k", "cancelled"],
    ]);
  });

  it("takes no notice of an attempt's or a child's end that comes after", () => {
    const run = play([http("a"), subworkflow("k")])
      .claim()
      .cancel();
    const ended = run.state;
    run.succeed("a").childEnds("k", "succeeded").later(DELAY_MS);
    expect(run.state).toEqual(ended);
  });

  it("ends an execution that nobody has begun", () => {
    const run = play([http("a")]).cancel();
    expect(run.statuses).toEqual({ a: "cancelled" });
    expect(run.state).toMatchObject({ status: "cancelled", startedAt: null });
  });

  it("ends an execution that is failing as cancelled", () => {
    const run = play([http("a"), http("s")])
      .claim()
      .fail("a")
      .cancel();
    expect(run.state.status).toBe("cancelled");
  });
});

describe("deadline", () => {
  const deadlineAt = BEGAN_AT + 5000;

  //  a (runs) ─error─▶ h     k (child)    w (delay)
  it("aborts, cancels the rest, follows no error edge, and fails with EXECUTION_TIMEOUT", () => {
    const steps = [http("a"), http("h", ["a:error"]), subworkflow("k"), delay("w", ["h"])];
    const run = play(steps, { execution: { deadlineAt } }).claim();
    run.later(4999);
    expect(run.state.status).toBe("running");
    run.later(1);
    expect(run.state).toMatchObject({ status: "failed", error: { code: "EXECUTION_TIMEOUT" } });
    expect(run.statuses).toEqual({ a: "cancelled", h: "cancelled", k: "cancelled", w: "cancelled" });
    expect(run.commands.slice(-2).map(({ kind }) => kind)).toEqual(["abort", "cancelChild"]);
    expect(run.events.at(-1)).toMatchObject({ type: "execution.failed", data: { code: "EXECUTION_TIMEOUT" } });
  });

  it("ends an execution that is claimed too late without beginning anything", () => {
    const run = play([http("a")], { execution: { deadlineAt } });
    run.at = deadlineAt;
    run.claim();
    expect(run.state).toMatchObject({ status: "failed", error: { code: "EXECUTION_TIMEOUT" } });
    expect(run.count("attempt.started")).toBe(0);
  });

  it("comes before whatever else is due at the same moment", () => {
    const run = play([delay("w"), http("a", ["w"])], { execution: { deadlineAt: BEGAN_AT + DELAY_MS } });
    run.claim().later(DELAY_MS);
    expect(run.statuses).toEqual({ w: "cancelled", a: "cancelled" });
  });
});

describe("hold", () => {
  const deadlineAt = BEGAN_AT + 5000;

  it("starts nothing, whatever comes, until it is lifted", () => {
    const run = play([http("a"), http("b", ["a"])], { execution: { held: true } });
    run.claim().later(DELAY_MS).park().wake("a").childEnds("a", "succeeded").succeed("a");
    expect(run.state).toMatchObject({ status: "queued", held: true, startedAt: null });
    expect(run.statuses).toEqual({ a: "pending", b: "pending" });
    run.feed({ kind: "holdLifted", at: run.at });
    expect(run.state).toMatchObject({ status: "queued", held: false });
    run.claim();
    expect(run.statuses).toEqual({ a: "running", b: "pending" });
  });

  it("stays queued when it is put away between the hold's end and its beginning", () => {
    const run = play([http("a")], { execution: { held: true } }).claim();
    run.feed({ kind: "holdLifted", at: run.at });
    run.park();
    expect(run.state.status).toBe("queued");
  });

  it("lets a cancel pass", () => {
    const run = play([http("a")], { execution: { held: true } })
      .claim()
      .cancel();
    expect(run.state.status).toBe("cancelled");
  });

  it("lets the deadline pass", () => {
    const run = play([http("a")], { execution: { held: true, deadlineAt } })
      .claim()
      .later(5000);
    expect(run.state).toMatchObject({ status: "failed", error: { code: "EXECUTION_TIMEOUT" } });
  });
});

describe("lost workers", () => {
  //  a ──▶ b
  it("begins an attempt that was cut off anew, in doubt, and counts it for nothing", () => {
    const run = play([http("a"), http("b", ["a"])]).claim();
    run.claim(1).claim(2);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 3, failures: 0 });
    expect(run.attempts.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, "in_doubt"],
      [2, "in_doubt"],
    ]);
    run.succeed("a");
    expect(run.step("b").status).toBe("running");
  });

  //  a (maxAttempts 2)
  it("leaves maxAttempts whole when attempts are cut off", () => {
    const run = play([http("a", [], retries(2))])
      .claim()
      .claim(1)
      .fail("a");
    expect(run.step("a")).toMatchObject({ status: "waiting", wait: "backoff", attempt: 2, failures: 1 });
    run.later(DELAY_MS).claim(1);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 4, failures: 1 });
    run.succeed("a");
    expect(run.state.status).toBe("succeeded");
  });

  it("keeps waits, children and what has ended over a lost worker", () => {
    const run = play([transform("t"), delay("w"), subworkflow("k"), http("p", [], retries(3))])
      .claim()
      .fail("p");
    const before = run.state.steps;
    run.claim(1);
    expect(run.state.steps).toEqual(before);
  });

  //  a ─error─▶ h     k (child)
  it("gives up with WORKER_LOST after three losses in a row, and follows no error edge", () => {
    const run = play([http("a"), http("h", ["a:error"]), subworkflow("k")])
      .claim()
      .claim(1)
      .claim(2)
      .claim(3);
    expect(run.state).toMatchObject({ status: "failed", error: { code: "WORKER_LOST" } });
    expect(run.statuses).toEqual({ a: "failed", h: "cancelled", k: "cancelled" });
    expect(run.step("a")).toMatchObject({ inDoubt: true, error: { code: "WORKER_LOST", step: "a" } });
    expect(run.attempts.filter(({ stepId }) => stepId === "a").map(({ outcome }) => outcome)).toEqual(
      Array.from({ length: 3 }, () => "in_doubt"),
    );
  });

  //  a (fails)    s (cut off while the execution is failing)
  it("does not begin an attempt anew that was cut off while the execution is failing", () => {
    const run = play([http("a"), http("s")])
      .claim()
      .fail("a")
      .claim(1);
    expect(run.statuses).toEqual({ a: "failed", s: "cancelled" });
    expect(run.step("s").inDoubt).toBe(true);
    expect(run.state).toMatchObject({ status: "failed", error: { step: "a" } });
  });

  it("evaluates a step again whose worker was lost before its transition was committed", () => {
    const run = play([http("a")]);
    const ready = { ...run.step("a"), status: "running" as const, startedAt: BEGAN_AT };
    run.state = { ...run.state, status: "running", steps: new Map([["a", ready]]) };
    run.claim(1);
    expect(run.step("a")).toMatchObject({ status: "running", attempt: 1, sentAt: BEGAN_AT });
  });
});
