import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { BEGAN_AT, DELAY_MS, play, type Play } from "./testing/play.ts";
import { delay, http, subworkflow, transform } from "./testing/steps.ts";

const twice = { retry: { maxAttempts: 2, backoff: "fixed", initialDelay: "1s", jitter: false } };

const iters = (run: Play) => Object.fromEntries([...run.state.steps.values()].map(({ id, iter }) => [id, iter]));
const keys = (run: Play) => Object.fromEntries([...run.state.steps.values()].map(({ id, keyIter }) => [id, keyIter]));

describe("retry of an ended execution", () => {
  //  a ──▶ b ──▶ c        (b fails)
  //  s ──▶ t
  it("runs anew what failed unhandled or was cancelled with all downstream of it, and keeps all else", () => {
    const run = play([http("a"), http("b", ["a"]), http("c", ["b"]), transform("s"), http("t", ["s"])]);
    run.claim().succeed("a").succeed("t").fail("b");
    expect(run.statuses).toEqual({ a: "succeeded", b: "failed", c: "cancelled", s: "succeeded", t: "succeeded" });
    run.retry();
    expect(run.state).toMatchObject({ status: "queued", failing: null, error: null, output: null });
    expect(run.statuses).toEqual({ a: "succeeded", b: "pending", c: "pending", s: "succeeded", t: "succeeded" });
    expect(iters(run)).toEqual({ a: 1, b: 2, c: 2, s: 1, t: 1 });
    run.claim().succeed("b").succeed("c");
    expect(run.state.status).toBe("succeeded");
    expect(run.count("attempt.started", "a")).toBe(1);
  });

  //  a ─error─▶ h ──▶ z        (a and z fail)
  it("keeps a failure that was handled, also where what came after its handler failed", () => {
    const run = play([http("a"), http("h", ["a:error"]), http("z", ["h"])]);
    run.claim().fail("a").succeed("h").fail("z").retry();
    expect(run.statuses).toEqual({ a: "failed", h: "succeeded", z: "pending" });
    const inHandler = play([http("a"), http("h", ["a:error"])]);
    inHandler.claim().fail("a").fail("h").retry();
    expect(inHandler.statuses).toEqual({ a: "failed", h: "pending" });
  });

  //  a (continue) ──▶ b        (both fail)
  it("keeps a failure that was passed over by continue", () => {
    const run = play([http("a", [], { onError: "continue" }), http("b", ["a"])]);
    run.claim().fail("a").fail("b").retry();
    expect(run.statuses).toEqual({ a: "failed", b: "pending" });
  });

  //  a ─error─┐
  //           ├─all─▶ h     (a fails, h is skipped)
  //  b ─error─┘
  it("runs anew a failure whose handlers were all skipped", () => {
    const run = play([http("a"), http("b"), http("h", ["a:error", "b:error"], { join: "all" })]);
    run.claim().fail("a").succeed("b").retry();
    expect(run.statuses).toEqual({ a: "pending", b: "succeeded", h: "pending" });
  });

  it("runs everything anew that a cancel had cut off", () => {
    const run = play([transform("t"), http("a", ["t"]), delay("w"), http("z", ["a", "w"])]);
    run.claim().cancel().retry();
    expect(run.statuses).toEqual({ t: "succeeded", a: "pending", w: "pending", z: "pending" });
    run.claim().succeed("a").later(DELAY_MS).succeed("z");
    expect(run.state.status).toBe("succeeded");
  });

  it("counts attempts anew", () => {
    const run = play([http("a", [], twice)]);
    run.claim().fail("a").later(1000).fail("a").retry().claim().fail("a");
    expect(run.step("a")).toMatchObject({ status: "waiting", wait: "backoff", attempt: 1, failures: 1, iter: 2 });
  });

  it("counts maxElapsed anew", () => {
    const run = play([http("a", [], { retry: { ...twice.retry, maxElapsed: "2s" } })]);
    run.claim().fail("a", { retryable: false }).later(3_600_000).retry().claim().fail("a");
    expect(run.step("a").wait).toBe("backoff");
  });

  it("has the deadline it was given, and none of before", () => {
    const run = play([http("a")], { execution: { deadlineAt: BEGAN_AT + 10 } });
    run.claim().later(10);
    expect(run.state.error?.code).toBe("EXECUTION_TIMEOUT");
    run.retry(null, { deadlineAt: BEGAN_AT + 5000 }).claim();
    expect(run.statuses).toEqual({ a: "running" });
    run.later(4990);
    expect(run.state.error?.code).toBe("EXECUTION_TIMEOUT");
  });

  //  a (continue)
  it("runs anew what was given up with its workers, handled or not", () => {
    const lost = play([http("a", [], { onError: "continue" })]);
    lost.claim().claim(3);
    expect(lost.state.error?.code).toBe("WORKER_LOST");
    lost.retry();
    expect(lost.state.status).toBe("queued");
    expect(lost.step("a")).toMatchObject({ status: "pending", inDoubt: true, keyIter: 1 });
  });

  it("is recorded, step by step and of the execution", () => {
    const run = play([http("a")]);
    run.claim().fail("a");
    const before = run.events.length;
    run.retry();
    expect(run.events.slice(before)).toEqual([
      { type: "step.pending", stepId: "a" },
      { type: "execution.queued", data: { retry: true, from: null } },
    ]);
  });
});

describe("retry from a step", () => {
  //  a ──▶ b ──▶ c       (c fails)
  //  s
  it("adds the step named and all downstream of it to what runs anew", () => {
    const run = play([http("a"), http("b", ["a"]), http("c", ["b"]), http("s")]);
    run.claim().succeed("s").succeed("a").succeed("b").fail("c").retry("b");
    expect(run.statuses).toEqual({ a: "succeeded", b: "pending", c: "pending", s: "succeeded" });
    expect(iters(run)).toEqual({ a: 1, b: 2, c: 2, s: 1 });
  });

  //  a (fails)      s ──▶ t
  it("does so beside what failed elsewhere", () => {
    const run = play([http("a"), http("s"), http("t", ["s"])]);
    run.claim().succeed("s").succeed("t").fail("a").retry("s");
    expect(run.statuses).toEqual({ a: "pending", s: "pending", t: "pending" });
  });

  //  a ─error─▶ h       z (fails)
  it("runs a handled failure anew where it is named", () => {
    const run = play([http("a"), http("h", ["a:error"]), http("z")]);
    run.claim().fail("a").succeed("h").fail("z").retry("a").claim().succeed("a").succeed("z");
    expect(run.statuses).toEqual({ a: "succeeded", h: "skipped", z: "succeeded" });
    expect(run.state.status).toBe("succeeded");
  });

  it("opens an execution whose output alone was wrong", () => {
    const error = { code: "OUTPUT_INVALID" as const, message: "No such thing" };
    const run = play([http("a")], { output: { ok: false, error } });
    run.claim().succeed("a").retry("a");
    expect(run.statuses).toEqual({ a: "pending" });
    expect(run.state.status).toBe("queued");
  });
});

describe("a retry that would change nothing", () => {
  const changes = (run: Play, from: string | null = null): boolean => {
    const recorded = run.events.length;
    const before = run.state;
    run.retry(from);
    return run.events.length > recorded || !isDeepStrictEqual(run.state, before);
  };

  it("leaves alone what has not ended", () => {
    expect(changes(play([http("a")]))).toBe(false);
    expect(changes(play([http("a")]).claim(), "a")).toBe(false);
    expect(
      changes(
        play([delay("a")])
          .claim()
          .park(),
        "a",
      ),
    ).toBe(false);
  });

  it("leaves alone what has succeeded, whatever it names", () => {
    const run = play([http("a")])
      .claim()
      .succeed("a");
    expect(changes(run)).toBe(false);
    expect(changes(run, "a")).toBe(false);
  });

  it("has nothing to retry where every failure was handled and the output alone was wrong", () => {
    const error = { code: "OUTPUT_INVALID" as const, message: "No such thing" };
    const steps = [http("a"), http("h", ["a:error"])];
    expect(
      changes(
        play(steps, { output: { ok: false, error } })
          .claim()
          .fail("a")
          .succeed("h"),
      ),
    ).toBe(false);
  });

  it("has nothing to retry from a step that does not exist", () => {
    const error = { code: "OUTPUT_INVALID" as const, message: "No such thing" };
    expect(
      changes(
        play([http("a")], { output: { ok: false, error } })
          .claim()
          .succeed("a"),
        "nobody",
      ),
    ).toBe(false);
  });
});

describe("the key and the bytes of a step that runs anew", () => {
  it("appends .2, .3, … where the last outcome is known", () => {
    const run = play([http("a")]);
    run.claim().fail("a").retry();
    expect(run.step("a")).toMatchObject({ iter: 2, keyIter: 2, input: null });
    run.claim();
    expect(run.step("a").input).toEqual({ body: "of iter 2" });
    run.fail("a").retry();
    expect(run.step("a")).toMatchObject({ iter: 3, keyIter: 3, input: null });
  });

  it("keeps both where the last outcome is unknown", () => {
    const run = play([http("a")]);
    run.claim().fail("a", { code: "STEP_TIMEOUT", inDoubt: true }).retry();
    expect(run.step("a")).toMatchObject({ iter: 2, keyIter: 1, input: { body: "of iter 1" } });
    run.claim();
    expect(run.step("a")).toMatchObject({ status: "running", keyIter: 1, input: { body: "of iter 1" } });
    run.fail("a", { inDoubt: true }).retry();
    expect(run.step("a")).toMatchObject({ iter: 3, keyIter: 1, input: { body: "of iter 1" } });
    run.claim().fail("a").retry();
    expect(run.step("a")).toMatchObject({ iter: 4, keyIter: 2, input: null });
  });

  it("keeps both where a cancel, a deadline or a lost worker cut the attempt off", () => {
    const cancelled = play([http("a")])
      .claim()
      .cancel()
      .retry();
    const late = play([http("a")], { execution: { deadlineAt: BEGAN_AT + 5 } })
      .claim()
      .later(5)
      .retry();
    const lost = play([http("a")])
      .claim()
      .claim(3)
      .retry();
    for (const run of [cancelled, late, lost]) {
      expect(run.step("a")).toMatchObject({ iter: 2, keyIter: 1, input: { body: "of iter 1" } });
    }
  });

  it("keeps both where the cancel came in the backoff after an unknown outcome", () => {
    const run = play([http("a", [], twice)]);
    run.claim().fail("a", { inDoubt: true }).cancel().retry();
    expect(run.step("a")).toMatchObject({ iter: 2, keyIter: 1, input: { body: "of iter 1" } });
  });

  //  a ──▶ b       (b times out)
  it("takes new ones for a step in doubt if `from` lies above it, since its bytes may differ", () => {
    const run = play([http("a"), http("b", ["a"])]);
    run.claim().succeed("a").fail("b", { inDoubt: true }).retry("a");
    expect(run.step("b")).toMatchObject({ iter: 2, keyIter: 2, input: null, inDoubt: false });
    expect(run.step("a")).toMatchObject({ iter: 2, keyIter: 2 });
  });

  //  a ──▶ b       (b times out)
  it("keeps both for the step that `from` names itself, and for one beside it", () => {
    const itself = play([http("a"), http("b", ["a"])]);
    itself.claim().succeed("a").fail("b", { inDoubt: true }).retry("b");
    expect(itself.step("b")).toMatchObject({ iter: 2, keyIter: 1, input: { body: "of iter 1" } });
    const beside = play([http("a"), http("b")]);
    beside.claim().succeed("a").fail("b", { inDoubt: true }).retry("a");
    expect(keys(beside)).toEqual({ a: 2, b: 1 });
  });

  //  a ──▶ b       (b times out; retried; cancelled before b begins again; retried from a)
  it("never sends other bytes under a key that was once sent in doubt", () => {
    const run = play([http("a"), http("b", ["a"])]);
    run.claim().succeed("a").fail("b", { inDoubt: true }).retry().cancel();
    run.retry("a");
    expect(run.step("b")).toMatchObject({ iter: 3, keyIter: 2, input: null });
  });

  //  a ──▶ b       (a fails before b has ever run)
  it("uses up no key for a step that was never attempted", () => {
    const run = play([http("a"), http("b", ["a"])]);
    run.claim().fail("a").retry();
    expect(iters(run)).toEqual({ a: 2, b: 2 });
    expect(keys(run)).toEqual({ a: 2, b: 1 });
    run.claim().fail("a").retry().claim().succeed("a").fail("b").retry();
    expect(iters(run)).toEqual({ a: 3, b: 4 });
    expect(keys(run)).toEqual({ a: 3, b: 2 });
  });
});

describe("children of a retried execution", () => {
  it("retries the failed child itself, and takes its end", () => {
    const run = play([subworkflow("k"), http("z", ["k"])]);
    run.claim().childEnds("k", "failed").retry();
    expect(run.commands.at(-1)).toEqual({ kind: "retryChild", stepId: "k", childId: "child-1" });
    expect(run.step("k")).toMatchObject({ status: "waiting", wait: "child", childId: "child-1", iter: 2, attempt: 1 });
    run.claim();
    expect(run.commands.filter(({ kind }) => kind === "startChild")).toHaveLength(1);
    run.childEnds("k", "succeeded").succeed("z");
    expect(run.state.status).toBe("succeeded");
  });

  it("retries the child that was cancelled with it", () => {
    const run = play([subworkflow("k")])
      .claim()
      .cancel()
      .retry();
    expect(run.commands.at(-1)).toEqual({ kind: "retryChild", stepId: "k", childId: "child-1" });
  });

  it("counts the step's time-out and maxElapsed anew for a retried child", () => {
    const steps = [subworkflow("k", [], { timeout: "5s", retry: { ...twice.retry, maxElapsed: "8s" } })];
    const run = play(steps).claim().cancel().later(60_000).retry().claim();
    expect(run.step("k")).toMatchObject({ sentAt: run.at, dueAt: run.at + 5000 });
    run.later(5000);
    expect(run.step("k")).toMatchObject({ wait: "backoff", error: { code: "STEP_TIMEOUT" }, failures: 1 });
    expect(run.attempts.at(-1)).toMatchObject({ outcome: "timed_out", startedAt: run.at - 5000, iter: 2 });
  });

  it("starts a new child where `from` names the step or lies above it", () => {
    const steps = [transform("t"), subworkflow("k", ["t"])];
    for (const from of ["k", "t"]) {
      const run = play(steps).claim().childEnds("k", "failed").retry(from);
      expect(run.step("k")).toMatchObject({ status: "pending", childId: null });
      run.claim();
      expect(run.step("k")).toMatchObject({ status: "waiting", childId: "child-2" });
      expect(run.commands.filter(({ kind }) => kind === "retryChild")).toEqual([]);
    }
  });

  //  a ─error─┐
  //           ├─all─▶ h       (a fails, b succeeds, h is skipped: a's failure is handled by nobody)
  //  b ─error─┘
  //  a ──┐
  //      ├─any─▶ k            (runs because of b; its child fails)
  //  b ──┘
  it("lets no child go on while something above its step runs anew", () => {
    const handler = http("h", ["a:error", "b:error"], { join: "all" });
    const run = play([http("a"), http("b"), handler, subworkflow("k", ["a", "b"], { join: "any" })]);
    run.claim().fail("a").succeed("b").childEnds("k", "failed").retry();
    expect(run.statuses).toEqual({ a: "pending", b: "succeeded", h: "pending", k: "pending" });
    run.claim().succeed("a");
    expect(run.step("k")).toMatchObject({ status: "waiting", childId: "child-2", iter: 2 });
  });

  it("leaves a child on its own alone", () => {
    const alone = subworkflow("n", [], { config: { workflow: "child", wait: false } });
    const run = play([alone, http("z")])
      .claim()
      .fail("z")
      .retry();
    expect(run.step("n")).toMatchObject({ status: "succeeded", childId: "child-1", iter: 1 });
  });
});

describe("a retry accepted while its workflow is paused", () => {
  it("is held: nothing starts until the hold is lifted", () => {
    const run = play([http("a")]);
    run.claim().fail("a").retry(null, { held: true }).claim();
    expect(run.state).toMatchObject({ status: "queued", held: true });
    expect(run.statuses).toEqual({ a: "pending" });
    run.feed({ kind: "holdLifted", at: run.at });
    run.claim();
    expect(run.statuses).toEqual({ a: "running" });
  });

  //  k ──▶ z
  it("keeps the end of a child that goes on meanwhile, and begins what follows only afterwards", () => {
    const run = play([subworkflow("k"), http("z", ["k"])]);
    run.claim().cancel().retry(null, { held: true }).claim().childEnds("k", "succeeded");
    expect(run.statuses).toEqual({ k: "succeeded", z: "pending" });
    expect(run.state.status).toBe("queued");
    run.feed({ kind: "holdLifted", at: run.at });
    run.claim();
    expect(run.statuses).toEqual({ k: "succeeded", z: "running" });
  });

  it("keeps a child's failure likewise, and fails with it afterwards", () => {
    const run = play([subworkflow("k"), http("z", ["k"])]);
    run.claim().cancel().retry(null, { held: true }).claim().childEnds("k", "failed");
    expect(run.state).toMatchObject({ status: "queued", failing: { code: "CHILD_FAILED" } });
    run.feed({ kind: "holdLifted", at: run.at });
    run.claim();
    expect(run.state).toMatchObject({ status: "failed", error: { code: "CHILD_FAILED", step: "k" } });
  });
});
