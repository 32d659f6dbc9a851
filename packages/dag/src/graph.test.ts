import { describe, expect, it } from "vitest";
import { compileWorkflow } from "./compile.ts";
import { condition, documentOf, http, step, workflowOf } from "./testing/documents.ts";

function stepsOf(steps: readonly object[]) {
  return workflowOf(documentOf(steps)).graph.byId;
}

describe("the graph", () => {
  //  a ─► b ─► d
  //  ├──► c
  //  └err► e
  it("knows entries, followers and leaves", () => {
    const { graph } = workflowOf(
      documentOf([
        step("a"),
        step("b", ["a:success"]),
        step("c", ["a"]),
        step("d", ["b"]),
        step("e", ["a:error", "c:error"]),
      ]),
    );
    expect(graph.byId.get("a")).toMatchObject({
      index: 0,
      followers: ["b", "c", "e"],
      entries: [],
      hasErrorEdges: true,
    });
    expect(graph.byId.get("e")?.entries).toEqual([
      { step: "a", branch: "error" },
      { step: "c", branch: "error" },
    ]);
    expect(graph.byId.get("b")?.entries).toEqual([{ step: "a", branch: "success" }]);
    expect(graph.leaves).toEqual(["c", "d", "e"]);
  });

  it("has no branch for a plain entry on a condition", () => {
    const steps = stepsOf([condition("a"), step("b", ["a"]), step("c", ["a:true"]), step("d", ["a", "a:error"])]);
    expect(steps.get("b")?.entries).toEqual([{ step: "a", branch: null }]);
    expect(steps.get("c")?.entries).toEqual([{ step: "a", branch: "true" }]);
    expect(steps.get("a")?.followers).toEqual(["b", "c", "d"]);
  });

  it("resolves retries: three attempts for http, one for others, a second doubled up to a minute", () => {
    const steps = stepsOf([
      http("a"),
      step("b"),
      http(
        "c",
        [],
        {},
        {
          retry: {
            maxAttempts: 5,
            backoff: "fixed",
            initialDelay: 250,
            maxDelay: "PT30S",
            factor: 3,
            jitter: false,
            maxElapsed: "1h",
          },
        },
      ),
    ]);
    const defaults = {
      backoff: "exponential",
      initialDelayMs: 1_000,
      maxDelayMs: 60_000,
      factor: 2,
      jitter: true,
      maxElapsedMs: null,
    };
    expect(steps.get("a")?.retry).toEqual({ ...defaults, maxAttempts: 3 });
    expect(steps.get("b")?.retry).toEqual({ ...defaults, maxAttempts: 1 });
    expect(steps.get("c")?.retry).toEqual({
      maxAttempts: 5,
      backoff: "fixed",
      initialDelayMs: 250,
      maxDelayMs: 30_000,
      factor: 3,
      jitter: false,
      maxElapsedMs: 3_600_000,
    });
  });

  it("bounds an http attempt by 30 s unless set, a child only where set, others never", () => {
    const child = (timeout?: string) => ({
      type: "subworkflow",
      config: { workflow: "w" },
      ...(timeout === undefined ? {} : { timeout }),
    });
    const steps = stepsOf([
      http("a"),
      http("b", [], {}, { timeout: "5s" }),
      step("c", [], child()),
      step("d", [], child("1h")),
      step("e"),
    ]);
    expect([...steps.values()].map((found) => found.timeoutMs)).toEqual([30_000, 5_000, null, 3_600_000, null]);
  });

  it("resolves onError", () => {
    const steps = stepsOf([step("a"), step("b", [], { onError: "continue" })]);
    expect([...steps.values()].map((found) => found.onError)).toEqual(["fail", "continue"]);
  });
});

describe("a compiled workflow", () => {
  const document = documentOf(
    [
      http("call", [], {
        method: "POST",
        headers: { a: "{{ secrets.KEY }}" },
        body: { b: "{{ input.b }}" },
        successIf: "response.body.ok",
      }),
      condition("big", ["call"], { config: { if: "steps.call.output.status > 200" } }),
      condition("kind", ["call"], {
        config: {
          cases: [
            { branch: "x", if: "input.x" },
            { branch: "y", if: "input.y" },
          ],
          otherwise: "z",
        },
      }),
      step("nap", ["call"], { type: "delay", config: { for: "5s" } }),
      step("child", ["call"], { type: "subworkflow", config: { workflow: "w", input: ["{{ steps.call.output }}"] } }),
    ],
    { timeout: "1h", output: "{{ steps.child.output }}", labels: { order: "{{ input.b }}" } },
  );

  it("holds each step's templates and expressions", () => {
    const { steps, output, labels, timeoutMs } = workflowOf(document);
    expect(steps.get("call")).toMatchObject({
      type: "http",
      bodyType: "json",
      successStatus: ["2xx"],
      response: "auto",
      followRedirects: false,
      request: { namesSecrets: true },
    });
    expect(steps.get("big")).toMatchObject({ type: "condition", cases: [{ branch: "true" }], otherwise: "false" });
    expect(steps.get("kind")).toMatchObject({
      type: "condition",
      cases: [{ branch: "x" }, { branch: "y" }],
      otherwise: "z",
    });
    expect(steps.get("nap")).toMatchObject({ type: "delay", until: null });
    expect(steps.get("child")).toMatchObject({ type: "subworkflow", workflow: "w", version: null, wait: true });
    expect(output?.references.steps).toEqual(new Set(["child"]));
    expect([...labels.keys()]).toEqual(["order"]);
    expect(timeoutMs).toBe(3_600_000);
  });

  it("is the same whether the definition was parsed or loaded", () => {
    const parsed = workflowOf(document);
    const loaded = compileWorkflow(parsed.definition);
    expect(loaded.graph).toEqual(parsed.graph);
    expect([...loaded.steps.keys()]).toEqual([...parsed.steps.keys()]);
  });

  it("is not made of a definition that was not checked", () => {
    const { definition } = workflowOf(document);
    expect(() => compileWorkflow({ ...definition, steps: [...definition.steps, ...definition.steps] })).toThrow(
      "has not been checked",
    );
  });
});
