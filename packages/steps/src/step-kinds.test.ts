// What each type makes of its config before anything is done; http's requests are tried beside http.
import type { Json, JsonObject } from "@keelson/contracts";
import { parseDefinition } from "@keelson/dag";
import type { ChildRequest, Evaluation } from "@keelson/engine";
import { describe, expect, it } from "vitest";
import { conditionStep } from "./condition/condition.ts";
import { delayStep } from "./delay/delay.ts";
import { subworkflowStep } from "./subworkflow/subworkflow.ts";
import { transformStep } from "./transform/transform.ts";

const KINDS = { condition: conditionStep, delay: delayStep, subworkflow: subworkflowStep, transform: transformStep };
const NOW = Date.UTC(2026, 0, 1);
const CHILD: Evaluation = { kind: "child", input: null, childId: "child", wait: true };

async function evaluate(
  type: keyof typeof KINDS,
  config: JsonObject,
  input: Json = null,
  frozen: Json | null = null,
): Promise<{ readonly result: Evaluation; readonly children: ChildRequest[] }> {
  const parsed = parseDefinition({ name: "w", steps: [{ id: "s", type, config }] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { graph, steps } = parsed.workflow;
  const children: ChildRequest[] = [];
  const result = await KINDS[type].evaluate({
    step: graph.byId.get("s")!,
    compiled: steps.get("s")!,
    scope: { input, trigger: {}, execution: {}, steps: () => null, nowMs: NOW, uuid: () => "" },
    frozen,
    at: NOW,
    planChild: (request) => {
      children.push(request);
      return Promise.resolve(CHILD);
    },
  });
  return { result, children };
}

describe("transform", () => {
  it("yields its template's value", async () => {
    const { result } = await evaluate(
      "transform",
      { output: { n: "{{ input.n + 1 }}", text: "n{{ input.n }}" } },
      { n: 1 },
    );
    expect(result).toEqual({ kind: "output", output: { n: 2, text: "n1" } });
  });
});

describe("condition", () => {
  const cases = [
    { branch: "low", if: "input < 10" },
    { branch: "mid", if: "input < 20" },
  ];

  it.each<[JsonObject, Json, string]>([
    [{ if: "input > 1" }, 2, "true"],
    [{ if: "input > 1" }, 1, "false"],
    [{ if: "input" }, "", "false"],
    [{ if: "input" }, {}, "true"],
    [{ cases }, 5, "low"],
    [{ cases }, 15, "mid"],
    [{ cases, otherwise: "high" }, 25, "high"],
  ])("of %j takes for %j the branch %s", async (config, input, branch) => {
    expect((await evaluate("condition", config, input)).result).toEqual({ kind: "branch", branch });
  });

  it("fails with NO_CASE where no case holds and there is no `otherwise`", async () => {
    expect((await evaluate("condition", { cases }, 25)).result).toMatchObject({
      kind: "failed",
      error: { code: "NO_CASE" },
    });
  });
});

describe("delay", () => {
  it.each<[JsonObject, Json, number]>([
    [{ for: "5s" }, null, NOW + 5_000],
    [{ for: 250 }, null, NOW + 250],
    [{ for: "{{ input.minutes }}m" }, { minutes: 2 }, NOW + 120_000],
    [{ for: "{{ input }}" }, "PT1H", NOW + 3_600_000],
    [{ for: "{{ input }}" }, 1_500, NOW + 1_500],
    [{ until: "2026-01-01T01:00:00+01:00" }, null, NOW],
    [{ until: "{{ input.at }}" }, { at: "2030-06-01T00:00:00Z" }, Date.UTC(2030, 5, 1)],
  ])("%j with the input %j", async (config, input, untilAt) => {
    expect((await evaluate("delay", config, input)).result).toEqual({ kind: "until", untilAt });
  });

  it.each<[JsonObject, Json]>([
    [{ for: "{{ input }}" }, "soon"],
    [{ for: "{{ input }}" }, -1],
    [{ for: "{{ input }}" }, "366d"],
    [{ for: "{{ input }}" }, null],
    [{ until: "{{ input }}" }, "2026-01-01T00:00:00"],
    [{ until: "{{ input }}" }, "tomorrow"],
    [{ until: "{{ input }}" }, null],
  ])("%j fails for %j", async (config, input) => {
    expect((await evaluate("delay", config, input)).result).toMatchObject({
      kind: "failed",
      error: { code: "EXPRESSION_FAILED" },
    });
  });
});

describe("subworkflow", () => {
  it("asks for the latest version, waits and has the input null, unless told otherwise", async () => {
    const { children } = await evaluate("subworkflow", { workflow: "inner" });
    expect(children).toEqual([{ workflow: "inner", version: null, wait: true, input: null }]);
  });

  it("hands over its version, its input's value and whether it waits", async () => {
    const config = { workflow: "inner", version: 3, wait: false, input: { ref: "{{ input.id }}" } };
    const { result, children } = await evaluate("subworkflow", config, { id: 7 });
    expect(children).toEqual([{ workflow: "inner", version: 3, wait: false, input: { ref: 7 } }]);
    expect(result).toBe(CHILD);
  });

  it("starts the child of a later attempt in the version and with the input of the first", async () => {
    const frozen = { workflow: "inner", version: 2, input: { ref: 1 } };
    const { children } = await evaluate("subworkflow", { workflow: "inner", input: "{{ input }}" }, { ref: 9 }, frozen);
    expect(children).toEqual([{ ...frozen, wait: true }]);
  });
});
