// Expressions that broke other engines: each has to end in one of our own errors or in bounded JSON, and leave no trace.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import type { Json } from "@keelson/contracts";
import { EvaluationError, ExpressionSyntaxError } from "./errors.ts";
import { compileExpression, evaluateExpression } from "./expression.ts";
import { testScope } from "./fixtures/scope.ts";
import { compileTemplate } from "./template.ts";
import { evaluateTemplate } from "./template-evaluation.ts";

interface Case {
  readonly group: string;
  readonly kind: string;
  readonly expr: string;
}

const { cases } = JSON.parse(readFileSync(new URL("fixtures/hostile-expressions.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};

/** Deep data, as an answer may hold it that nobody checked. */
function deepArray(depth: number): Json {
  let value: Json = [];
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

const body = JSON.parse(
  '{"key":"__proto__","keyObj":{"toString":"x"},"__proto__":{"isAdmin":true},"constructor":{"name":"data"},' +
    '"length":4000000000,"then":"x","$ref":"#/a","q":"\\", \\"admin\\":true, \\"x\\":\\"","host":"169.254.169.254","p":".attacker.com"}',
) as Json;
const scope = testScope({
  input: { deep: deepArray(20_000) },
  trigger: { body },
  execution: { id: "e" },
  steps: () => ({
    output: { s: "a".repeat(600_000), deep: deepArray(20_000), nul: "\0" },
    status: "succeeded",
    error: null,
  }),
  secrets: (name) => (name === "API_KEY" ? "k3y-value" : undefined),
});

function evaluate(kind: string, source: string): Json {
  return kind === "template"
    ? evaluateTemplate(compileTemplate(source), scope)
    : evaluateExpression(compileExpression(source), scope);
}

/** How it ended: "value", "error" of ours with a position or a clean message, or what is wrong with it. */
function verdict(kind: string, source: string): string {
  try {
    const value = evaluate(kind, source);
    const text = JSON.stringify(value);
    if (text.length > 2 * 1024 * 1024) return "a value without bounds";
    return isDeepStrictEqual(JSON.parse(text), value) ? "value" : "a value that is no JSON";
  } catch (error) {
    if (error instanceof ExpressionSyntaxError) {
      return error.problems.every(({ position }) => position >= 0) ? "error" : "an error without a position";
    }
    if (!(error instanceof EvaluationError) || error.cause !== undefined)
      return `an error of the host: ${String(error)}`;
    return error.message.length < 400 && !HOST_MESSAGE.test(error.message) ? "error" : error.message;
  }
}

const HOST_MESSAGE = /undefined|Cannot read|is not a function|Maximum call stack|Invalid string length/;
const CONTAINED = /^(?:value|error)$/;

/** What a polluted host would show. */
function traces(): string {
  const prototypes = [Object, Array, String, Number, Function].map((host) =>
    Object.getOwnPropertyNames(host.prototype),
  );
  return JSON.stringify([prototypes, Object.keys(globalThis)]);
}

describe("hostile expressions", () => {
  const untouched = traces();

  const rows = cases.map(({ group, kind, expr }, index) => [index, group, kind, expr] as const);
  it.each(rows)("%i %s", (_index, _group, kind, expr) => {
    expect(verdict(kind, expr)).toMatch(CONTAINED);
    expect(traces()).toBe(untouched);
  });

  it("are stopped at the number of levels, not by the host's stack", () => {
    const brackets = ["(1)", "[1]", "{a:1}", "abs(1)"].map((pair) => pair.split("1"));
    const nested = brackets.map(([open = "", close = ""]) => `${open.repeat(800)}1${close.repeat(800)}`);
    const before = ["-", "!", "1?1:", "1**", "x=>", "[0][", "1?", "(x,y)=>"].map((part) => `${part.repeat(400)}1`);
    const behind = ["+1", ".a", "?.a", "[0]", ".trim()", "&&1", "??1", " in 1"].map(
      (part) => `input${part.repeat(500)}`,
    );
    for (const source of [...nested, ...before, ...behind]) expect(verdict("expression", source)).toMatch(CONTAINED);
  });

  it("that name deep data are stopped by its depth", () => {
    for (const source of [
      "input.deep",
      "json(input.deep)",
      "input.deep == [input.deep]",
      "input.deep.flat(128)",
      "[input.deep].unique()",
    ]) {
      expect(() => evaluate("expression", source)).toThrow(EvaluationError);
    }
    expect(() => evaluate("template", "x{{ input.deep }}")).toThrow(EvaluationError);
  });
});
