import { describe, expect, it } from "vitest";
import type { Evaluation } from "./messages.ts";
import { play } from "./testing/play.ts";
import { condition, http } from "./testing/steps.ts";

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
