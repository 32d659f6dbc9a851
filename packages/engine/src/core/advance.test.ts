import { describe, expect, it } from "vitest";
import type { Evaluation } from "./messages.ts";
import { BEGAN_AT, DELAY_MS, play } from "./testing/play.ts";
import { condition, delay, http, subworkflow, transform } from "./testing/steps.ts";

const cannotEvaluate: Evaluation = {
  kind: "failed",
  error: { code: "EXPRESSION_FAILED", message: "steps.x.output.y: there is no y" },
};

const retries = (maxAttempts: number, more = {}) => ({
  retry: { maxAttempts, backoff: "fixed", initialDelay: "1s", jitter: false, ...more },
});

describe("success and error edges", () => {
  //  a ──▶ b ──▶ c
  it("runs a chain one step after the other, and ends with the last", () => {
    const run = play([http("a"), http("b", ["a"]), http("c", ["b"])]).claim();
    expect(run.statuses).toEqual({ a: "running", b: "pending", c: "pending" });
    run.succeed("a");
    expect(run.statuses).toEqual({ a: "succeeded", b: "running", c: "pending" });
    run.succeed("b").succeed("c");
    expect(run.state.status).toBe("succeeded");
  });

  //  a
  //  b     (no edges)
  //  c
  it("begins all roots at once", () => {
    const run = play([http("a"), http("b"), http("c")]).claim();
    expect(run.commands.filter(({ kind }) => kind === "perform")).toHaveLength(3);
  });

  //  a ──▶ b
  //  └─error─▶ h
  it("takes the error edge of a step that failed, and goes on past its handler", () => {
    const run = play([http("a"), http("b", ["a"]), http("h", ["a:error"]), http("z", ["h"])])
      .claim()
      .fail("a");
    expect(run.statuses).toEqual({ a: "failed", b: "skipped", h: "running", z: "pending" });
    run.succeed("h").succeed("z");
    expect(run.state.status).toBe("succeeded");
    expect(run.state.error).toBeNull();
  });

  //  a ──▶ b
  //  └─error─▶ h
  it("skips the handler of a step that succeeded", () => {
    const run = play([http("a"), http("b", ["a"]), http("h", ["a:error"])])
      .claim()
      .succeed("a")
      .succeed("b");
    expect(run.statuses).toEqual({ a: "succeeded", b: "succeeded", h: "skipped" });
    expect(run.state.status).toBe("succeeded");
  });

  //  a (onError: continue) ──▶ b
  it("takes the success edges of a failed step that continues, and keeps its error", () => {
    const run = play([http("a", [], { onError: "continue" }), http("b", ["a"])])
      .claim()
      .fail("a");
    expect(run.statuses).toEqual({ a: "failed", b: "running" });
    expect(run.step("a").error).toMatchObject({ code: "HTTP_STATUS", step: "a" });
    run.succeed("b");
    expect(run.state.status).toBe("succeeded");
  });

  //  a (its templates cannot be evaluated; 5 attempts) ─error─▶ h
  it("never tries a failed evaluation again", () => {
    const run = play([http("a", [], retries(5)), http("h", ["a:error"])], { evaluations: { a: cannotEvaluate } });
    run.claim();
    expect(run.statuses).toEqual({ a: "failed", h: "running" });
    expect(run.count("attempt.started", "a")).toBe(0);
  });
});

describe("conditions", () => {
  const decision = [
    condition("c"),
    http("yes", ["c:true"]),
    http("no", ["c:false"]),
    http("either", ["c"]),
    http("afterNo", ["no"]),
  ];
  //      ┌─true──▶ yes
  //  c ──┼─false─▶ no ──▶ afterNo
  //      └───────▶ either
  it.each([
    { branch: "true", ran: ["yes", "either"], skipped: ["no", "afterNo"] },
    { branch: "false", ran: ["no", "either"], skipped: ["yes"] },
  ])("runs the branch '$branch' and what follows the condition by any, and skips the rest", (wanted) => {
    const run = play(decision, { evaluations: { c: wanted.branch } }).claim();
    for (const id of wanted.ran) expect(run.step(id).status).toBe("running");
    for (const id of wanted.skipped) expect(run.step(id).status).toBe("skipped");
    expect(run.step("c").output).toEqual({ kind: "value", value: { branch: wanted.branch } });
    expect(run.events).toContainEqual(
      expect.objectContaining({ type: "step.succeeded", stepId: "c", data: { branch: wanted.branch } }),
    );
  });

  //  c ─a─▶ x,  ─b─▶ y,  ─error─▶ h
  it("fails with NO_CASE where no case holds, and follows the error edge alone", () => {
    const noCase: Evaluation = { kind: "failed", error: { code: "NO_CASE", message: "No case of 'c' holds" } };
    const steps = [condition("c", [], ["a", "b"]), http("x", ["c:a"]), http("y", ["c:b"]), http("any", ["c"])];
    const run = play([...steps, http("h", ["c:error"])], { evaluations: { c: noCase } }).claim();
    expect(run.statuses).toEqual({ c: "failed", x: "skipped", y: "skipped", any: "skipped", h: "running" });
    expect(run.step("c").error?.code).toBe("NO_CASE");
    const unhandled = play(steps, { evaluations: { c: noCase } }).claim();
    expect(unhandled.state).toMatchObject({ status: "failed", error: { code: "NO_CASE", step: "c" } });
  });
});

describe("joins", () => {
  //  a ──┐
  //      ├─all─▶ j
  //  b ──┘
  it("waits for all of several entries, and runs once", () => {
    const run = play([http("a"), http("b"), http("j", ["a", "b"])])
      .claim()
      .succeed("a");
    expect(run.step("j").status).toBe("pending");
    run.succeed("b");
    expect(run.step("j").status).toBe("running");
    expect(run.count("attempt.started", "j")).toBe(1);
  });

  //  a ─────────┐
  //  b ─error─▶ h
  //  └──────────┴─all─▶ j ──▶ k
  it("skips an 'all' of which one entry is dead, and everything behind it", () => {
    const steps = [http("a"), http("b"), http("h", ["b:error"]), http("j", ["a", "b"]), http("k", ["j"])];
    const run = play(steps).claim().fail("b");
    expect(run.statuses).toMatchObject({ j: "pending", h: "running" });
    run.succeed("a");
    expect(run.statuses).toMatchObject({ j: "skipped", k: "skipped" });
    run.succeed("h");
    expect(run.state.status).toBe("succeeded");
  });

  //  a ──┐
  //      ├─any─▶ j
  //  b ──┘
  it("lets an 'any' wait until every entry is decided before it runs, once", () => {
    const run = play([http("a"), http("b"), http("j", ["a", "b"], { join: "any" })])
      .claim()
      .succeed("a");
    expect(run.step("j").status).toBe("pending");
    run.succeed("b").succeed("j");
    expect(run.count("step.running", "j")).toBe(1);
    expect(run.state.status).toBe("succeeded");
  });

  //      ┌─true──▶ x ──┐
  //  c ──┤             ├─(any)─▶ m
  //      └─false─▶ y ──┘
  it.each(["true", "false"])("runs a merge of branches once, after the branch '%s'", (branch) => {
    const steps = [condition("c"), http("x", ["c:true"]), http("y", ["c:false"]), http("m", ["x", "y"])];
    const run = play(steps, { evaluations: { c: branch } }).claim();
    run.succeed(branch === "true" ? "x" : "y");
    expect(run.step("m").status).toBe("running");
    run.succeed("m");
    expect(run.count("step.running", "m")).toBe(1);
    expect(run.state.status).toBe("succeeded");
  });

  //      ┌─true─▶ review ──┐
  //  c ──┤                 ├─(any)─▶ charge
  //      └──────false──────┘
  it("merges a branch's steps with the other branch itself", () => {
    const steps = [condition("c"), http("review", ["c:true"]), http("charge", ["review", "c:false"])];
    const reviewed = play(steps, { evaluations: { c: "true" } }).claim();
    expect(reviewed.statuses).toEqual({ c: "succeeded", review: "running", charge: "pending" });
    reviewed.succeed("review");
    expect(reviewed.step("charge").status).toBe("running");
    const direct = play(steps, { evaluations: { c: "false" } }).claim();
    expect(direct.statuses).toEqual({ c: "succeeded", review: "skipped", charge: "running" });
  });

  //  a ──▶ ok ────┐
  //  └─error─▶ h ─┴─(any)─▶ m
  it("runs the merge of a success and an error path once", () => {
    const steps = [http("a"), http("ok", ["a"]), http("h", ["a:error"]), http("m", ["ok", "h"])];
    const failed = play(steps).claim().fail("a").succeed("h");
    expect(failed.statuses).toEqual({ a: "failed", ok: "skipped", h: "succeeded", m: "running" });
    const well = play(steps).claim().succeed("a").succeed("ok");
    expect(well.statuses).toEqual({ a: "succeeded", ok: "succeeded", h: "skipped", m: "running" });
  });

  //  a ─error──┐
  //  b ─error──┴─(any)─▶ alert
  it("runs one handler of several steps if any of them failed", () => {
    const steps = [http("a"), http("b"), http("alert", ["a:error", "b:error"])];
    const run = play(steps).claim().succeed("a").fail("b");
    expect(run.step("alert").status).toBe("running");
    run.succeed("alert");
    expect(run.state.status).toBe("succeeded");
    const none = play(steps).claim().succeed("a").succeed("b");
    expect(none.step("alert").status).toBe("skipped");
    expect(none.state.status).toBe("succeeded");
  });

  //  c ─true─▶ a ──▶ b ──▶ d ──▶ e    (c takes false)
  it("eliminates a dead path to its end in one decision, each step recorded once", () => {
    const steps = [condition("c"), http("a", ["c:true"]), http("b", ["a"]), http("d", ["b"]), http("e", ["d"])];
    const run = play(steps, { evaluations: { c: "false" } }).claim();
    for (const id of ["a", "b", "d", "e"]) {
      expect(run.step(id).status).toBe("skipped");
      expect(run.count("step.skipped", id)).toBe(1);
    }
    expect(run.state.status).toBe("succeeded");
  });

  //  a ─error─▶ h, and a handler of the handler's skip never runs: skipped steps take no edge
  it("holds all edges of a skipped step for dead, those for errors as well", () => {
    const steps = [http("a"), http("h", ["a:error"]), http("hh", ["h:error"])];
    const run = play(steps).claim().succeed("a");
    expect(run.statuses).toEqual({ a: "succeeded", h: "skipped", hh: "skipped" });
  });

  it("says with the values that decided it why a step ran, waited or was skipped", () => {
    const run = play([http("a"), http("b", ["a"]), http("h", ["a:error"])])
      .claim()
      .succeed("a");
    expect(run.step("a").reason).toEqual({ code: "ROOT", values: {} });
    expect(run.step("b").reason).toEqual({
      code: "ENTRIES_TAKEN",
      values: { join: "all", entries: [{ step: "a", branch: "success", state: "taken" }] },
    });
    expect(run.step("h").reason).toEqual({
      code: "NO_ENTRY_TAKEN",
      values: { join: "any", entries: [{ step: "a", branch: "error", state: "dead" }] },
    });
  });
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
