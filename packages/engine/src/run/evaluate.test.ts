// What an execution's own templates yield, over the whole of a session.
import { describe, expect, it } from "vitest";
import { condition, transform } from "../core/testing/steps.ts";
import { World } from "./testing/world.ts";

describe("the output", () => {
  //  is ── true ──▶ yes     base ──▶ top
  //     └─ false ─▶ no
  const steps = [
    condition("is"),
    transform("yes", ["is:true"]),
    transform("no", ["is:false"]),
    transform("base"),
    transform("top", ["base"]),
  ];

  it("is by default that of the succeeded leaves, by step id", async () => {
    const world = new World(steps, { outputs: { yes: 1, top: 2 } });
    expect(await world.session.run()).toBe("ended");
    expect(world.commits.at(-1)?.end?.output).toEqual({ yes: 1, top: 2 });
  });

  it("counts a step that is followed by error edges alone as a leaf", async () => {
    const world = new World([transform("a"), transform("rescue", ["a:error"])], { outputs: { a: 1 } });
    expect(await world.session.run()).toBe("ended");
    expect(world.commits.at(-1)?.end?.output).toEqual({ a: 1 });
  });

  it("may name every step; one that did not run has output and error null", async () => {
    const output = {
      no: ["{{ steps.no.output }}", "{{ steps.no.error }}", "{{ steps.no.status }}"],
      base: "{{ steps.base.output }}",
    };
    const world = new World(steps, { document: { output }, outputs: { base: [1] } });
    expect(await world.session.run()).toBe("ended");
    expect(world.commits.at(-1)?.end?.output).toEqual({ no: [null, null, "skipped"], base: [1] });
  });

  it("that cannot be evaluated fails the execution with OUTPUT_INVALID, though every step has succeeded", async () => {
    const world = new World(steps, { document: { output: "{{ steps.no.output.id }}" } });
    expect(await world.session.run()).toBe("ended");
    expect(world.commits.at(-1)).toMatchObject({ status: "failed", end: { error: { code: "OUTPUT_INVALID" } } });
  });
});

describe("labels", () => {
  it("are text of 200 characters at the most; one that cannot be evaluated is left out", async () => {
    const labels = {
      order: "{{ input.order }}",
      long: "{{ input.long }}",
      pair: "{{ input.long.slice(1) }}😀",
      by: "by {{ trigger.type }}",
      none: "{{ input.a.b }}",
    };
    const world = new World([transform("t")], {
      document: { labels },
      execution: { input: { order: 42, long: "x".repeat(200) } },
    });
    await world.session.run();
    expect(world.commits[0]?.labels).toEqual({
      order: "42",
      long: "x".repeat(200),
      pair: `${"x".repeat(199)}\uFFFD`,
      by: "by api",
    });
  });
});
