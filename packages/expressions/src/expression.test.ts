import { describe, expect, it } from "vitest";
import type { Json } from "@keelson/contracts";
import { ExpressionSyntaxError } from "./errors.ts";
import { compileExpression } from "./expression.ts";
import { complaint, evaluate, outcome, testScope } from "./fixtures/scope.ts";
import { evaluateExpression } from "./expression.ts";

const input = {
  amount: 100,
  name: "Ann",
  none: null,
  items: [
    { sku: "a", qty: 2 },
    { sku: "b", qty: 0 },
  ],
  größe: 4,
  in: "keyword",
  length: 4_000_000_000,
  constructor: "data",
} as const;

function table(rows: readonly (readonly [string, Json])[]): void {
  it.each(rows)("%s", (source, expected) => {
    expect(outcome(source, input)).toStrictEqual(expected);
  });
}

describe("literals are JavaScript's", () => {
  table([
    ["0x7f", 127],
    ["0b11 + 0o17", 18],
    ["1_000.5e-1", 100.05],
    [".5 + 5.", 5.5],
    ["017", "EXPRESSION_SYNTAX"],
    ["1__0", "EXPRESSION_SYNTAX"],
    ["1_", "EXPRESSION_SYNTAX"],
    ["1.e", "EXPRESSION_SYNTAX"],
    ["123abc", "EXPRESSION_SYNTAX"],
    ["1n", "EXPRESSION_FORBIDDEN"],
    ["1e400", "EXPRESSION_FORBIDDEN"],
    ['"\\u0063\\x64\\u{1F600}\\0\\q\\n"', "cd😀\0q\n"],
    ["'it\\'s'", "it's"],
    ['"a\\\nb"', "ab"],
    ['"\\1"', "EXPRESSION_SYNTAX"],
    ['"\\u12"', "EXPRESSION_SYNTAX"],
    ['"\\u{110000}"', "EXPRESSION_SYNTAX"],
    ['"open', "EXPRESSION_SYNTAX"],
    ['"a\nb"', "EXPRESSION_SYNTAX"],
    ['"\ud800"', "EXPRESSION_FORBIDDEN"],
    ["[true, false, null]", [true, false, null]],
    ["[1, 2,]", [1, 2]],
    ["[1,,2]", "EXPRESSION_FORBIDDEN"],
    ["[,1]", "EXPRESSION_FORBIDDEN"],
    ['{ a: 1, "b c": 2, 3: 4, ["d" + 1]: 5, in: 6, true: 7, }', { 3: 4, a: 1, "b c": 2, d1: 5, in: 6, true: 7 }],
    ["{}", {}],
    ["{ input }.input.amount", 100],
    ["{ true }", "EXPRESSION_SYNTAX"],
    ["{ a: 1 b: 2 }", "EXPRESSION_SYNTAX"],
    ["{ a }", "UNKNOWN_REFERENCE"],
    ["{ a() }", "EXPRESSION_FORBIDDEN"],
    ["{ [1, 2]: 3 }", "EXPRESSION_SYNTAX"],
    ["{ __proto__: 1 }", "EXPRESSION_FORBIDDEN"],
    ["`text`", "EXPRESSION_FORBIDDEN"],
    ["/a+/", "EXPRESSION_FORBIDDEN"],
    ["-0", 0],
  ]);
});

describe("operators have JavaScript's precedence and meaning", () => {
  table([
    ["1 + 2 * 3 ** 2", 19],
    ["2 ** 3 ** 2", 512],
    ["2 ** -1", 0.5],
    ["(-2) ** 2", 4],
    ["-2 ** 2", "EXPRESSION_SYNTAX"],
    ["!1 ** 2", "EXPRESSION_SYNTAX"],
    ["7 % 4 - -1", 4],
    ["- -1", 1],
    ["1 < 2 == true", true],
    ["null ?? 1", 1],
    ["0 ?? 1", 0],
    ["0 || null || 2", 2],
    ['1 && ""', ""],
    ["1 ?? 2 || 3", "EXPRESSION_SYNTAX"],
    ["1 || 2 ?? 3", "EXPRESSION_SYNTAX"],
    ["1 && 2 ?? 3", "EXPRESSION_SYNTAX"],
    ["1 ?? 2 && 3", "EXPRESSION_SYNTAX"],
    ["(null ?? 0) || 3", 3],
    ["null ?? (0 || 3)", 3],
    ["true ? 1 : false ? 2 : 3", 1],
    ["false ? 1 : false ? 2 : 3", 3],
    ["true?.5:1", 0.5],
    ["null ? 1", "EXPRESSION_SYNTAX"],
    ["1 : 2", "EXPRESSION_SYNTAX"],
    ["false && input.none.x", false],
    ["true || input.none.x", true],
    ['"sku" in input.items[0]', true],
    ['"toString" in input', false],
    ['"constructor" in {}', false],
    ["1 in input.items", true],
    ["2 in input.items", false],
    ['1 in "ab"', "EXPRESSION_FAILED"],
    ["1 === 1 && 1 !== 2", true],
    ['1 == "1"', false],
    ["[] == false", false],
    ["[1, { a: 2, b: [3] }] == [1, { b: [3], a: 2 }]", true],
    ["[1] != [2]", true],
    ["{ a: null } == {}", false],
  ]);
});

describe("nothing is coerced", () => {
  table([
    ['"a" + 1 + true + null', "a1truenull"],
    ['1 + 2 + "a"', "3a"],
    ["1 + null", "EXPRESSION_FAILED"],
    ["true + true", "EXPRESSION_FAILED"],
    ['"a" + []', "EXPRESSION_FAILED"],
    ["{} + {}", "EXPRESSION_FAILED"],
    ['"2" * 2', "EXPRESSION_FAILED"],
    ['"10" < 9', "EXPRESSION_FAILED"],
    ["null <= 0", "EXPRESSION_FAILED"],
    ['-"1"', "EXPRESSION_FAILED"],
    ["+[]", "EXPRESSION_FAILED"],
    ["+3", 3],
    ['"a" < "b"', true],
    ["1 / 0", "EXPRESSION_FAILED"],
    ["2 ** 1024", "EXPRESSION_FAILED"],
    ["0 % 0", "EXPRESSION_FAILED"],
    ["(-1) ** 0.5", "EXPRESSION_FAILED"],
  ]);
});

describe("properties are the value's own data", () => {
  table([
    ["input.items[0].sku", "a"],
    ["input.missing", null],
    ["input.items[9]", null],
    ["input.items[-1]", null],
    ["input.items[0.5]", null],
    ['input.items["1"].sku', "b"],
    ["input.größe", 4],
    ["input.in", "keyword"],
    ['input["na" + "me"]', "Ann"],
    ["input.length", 4_000_000_000],
    ["input.constructor", "data"],
    ["input.toString", null],
    ["input.__proto__", null],
    ["input.items.length + input.name.length", 5],
    ['"abc"["length"]', 3],
    ['"abc"[1]', "b"],
    ['"abc"[3]', null],
    ["input.name.size", "EXPRESSION_FAILED"],
    ["input.items.first", "EXPRESSION_FAILED"],
    ["input.amount.value", "EXPRESSION_FAILED"],
    ["true.x", "EXPRESSION_FAILED"],
    ["input.none.x", "EXPRESSION_FAILED"],
    ["input.none[0]", "EXPRESSION_FAILED"],
    ["input[null]", "EXPRESSION_FAILED"],
    ['input[["name"]]', "EXPRESSION_FAILED"],
    ["input.none?.x.y[0].z", null],
    ["input.none?.[0].x", null],
    ["input.missing?.trim().length", null],
    ["(input.none?.x).y", "EXPRESSION_FAILED"],
    ["input.items[0]?.sku", "a"],
  ]);

  it("names the place that is null and the remedy", () => {
    expect(complaint("input.none.total", input)).toMatch(/^input\.none is null, so "total".*\?\./);
    expect(complaint("input.items.map(i => i.a.b)", input)).toMatch(/^i\.a is null/);
  });
});

describe("functions are looked up in the list, by the receiver's kind", () => {
  table([
    ["round(2.5) + 2.5.round()", 6],
    ["input.items.filter(i => i.qty > 0).map(i => ({ sku: i.sku }))", [{ sku: "a" }]],
    ["input.items.map((item, index) => index)", [0, 1]],
    ["input.items.map(() => 1)", [1, 1]],
    ["input.items.map((i) => (i.qty ? i.sku : null) ?? 0)", ["a", 0]],
    ["input.items.map((i => i.qty))", [2, 0]],
    [
      "[1, 2].map(a => [10, 20].map(b => a * b))",
      [
        [10, 20],
        [20, 40],
      ],
    ],
    ["[1].map(input => input)", [1]],
    ["[1, 2, 3].map(n => n ** 2)", [1, 4, 9]],
    ["[1].map(a => b => a)", "EXPRESSION_FORBIDDEN"],
    ["[1].map(a => a ? b => a : 1)", "EXPRESSION_FORBIDDEN"],
    ["[1, 0].map(n => n ? 5 : 6)", [5, 6]],
    ["input.items.map(i => j)", "UNKNOWN_REFERENCE"],
    ["input.items.map((item, index, all) => 1)", "EXPRESSION_FORBIDDEN"],
    ["input.items.map(({ sku }) => sku)", "EXPRESSION_FORBIDDEN"],
    ["input.items.map((a = 1) => a)", "EXPRESSION_FORBIDDEN"],
    ["input.items.map((a, a) => a)", "EXPRESSION_SYNTAX"],
    ["input.items.map(true => 1)", "EXPRESSION_SYNTAX"],
    ["input.items.map(1 + i => i)", "EXPRESSION_SYNTAX"],
    ["input.items.map(i => { i })", "EXPRESSION_FORBIDDEN"],
    ["input.items.map(1)", "EXPRESSION_FORBIDDEN"],
    ["round(i => 1)", "EXPRESSION_FORBIDDEN"],
    ["x => x", "EXPRESSION_FORBIDDEN"],
    ["[x => x]", "EXPRESSION_FORBIDDEN"],
    ["(x => x)(1)", "EXPRESSION_FORBIDDEN"],
    ["input.name.map(i => i)", "EXPRESSION_FAILED"],
    ["map(1, i => i)", "EXPRESSION_FAILED"],
    ["input.none.trim()", "EXPRESSION_FAILED"],
    ["input.none.coalesce(3)", 3],
    ["input.constructor()", "UNKNOWN_FUNCTION"],
    ["input.toString()", "UNKNOWN_FUNCTION"],
    ["hasOwnProperty(1)", "UNKNOWN_FUNCTION"],
    ["__proto__()", "UNKNOWN_FUNCTION"],
    ["input.trim.call()", "UNKNOWN_FUNCTION"],
    ['input["trim"]()', "EXPRESSION_FORBIDDEN"],
    ["trim", "UNKNOWN_REFERENCE"],
    ["trim?.(1)", "EXPRESSION_FORBIDDEN"],
    ["trim()", "EXPRESSION_FORBIDDEN"],
    ["trim(1, 2)", "EXPRESSION_FORBIDDEN"],
    ["input.now()", "UNKNOWN_FUNCTION"],
    ['"a"()', "EXPRESSION_FORBIDDEN"],
    ["null()", "EXPRESSION_FORBIDDEN"],
    ["round(1,)", 1],
    ["round(,)", "EXPRESSION_SYNTAX"],
    ["round(1 2)", "EXPRESSION_SYNTAX"],
  ]);

  it("suggests the name that was meant", () => {
    expect(complaint("input.items.fliter(i => i)", input)).toContain("Did you mean filter?");
    expect(complaint("inptu.items", input)).toContain("did you mean input?");
  });
});

describe("what JavaScript refuses is a syntax error, the rest of JavaScript is forbidden", () => {
  table([
    ["", "EXPRESSION_SYNTAX"],
    ["  ", "EXPRESSION_SYNTAX"],
    ["a b", "EXPRESSION_SYNTAX"],
    ["1 +", "EXPRESSION_SYNTAX"],
    ["(1", "EXPRESSION_SYNTAX"],
    ["1)", "EXPRESSION_SYNTAX"],
    ["(1]", "EXPRESSION_SYNTAX"],
    ["()", "EXPRESSION_SYNTAX"],
    ["input.", "EXPRESSION_SYNTAX"],
    ["input..a", "EXPRESSION_SYNTAX"],
    ["input[]", "EXPRESSION_SYNTAX"],
    ["* 2", "EXPRESSION_SYNTAX"],
    ["in input", "EXPRESSION_SYNTAX"],
    ["\u200binput", "EXPRESSION_SYNTAX"],
    ["\ufeff\u00a01 +\u2028 2", 3],
    ["1, 2", "EXPRESSION_FORBIDDEN"],
    ["(1, 2)", "EXPRESSION_FORBIDDEN"],
    ["1;", "EXPRESSION_FORBIDDEN"],
    ["input.a = 1", "EXPRESSION_FORBIDDEN"],
    ["input.a++", "EXPRESSION_FORBIDDEN"],
    ["1 & 2", "EXPRESSION_FORBIDDEN"],
    ["~1", "EXPRESSION_FORBIDDEN"],
    ["1 >>> 2", "EXPRESSION_FORBIDDEN"],
    ["typeof 1", "EXPRESSION_FORBIDDEN"],
    ["new Date()", "EXPRESSION_FORBIDDEN"],
    ["delete input.a", "EXPRESSION_FORBIDDEN"],
    ["this", "EXPRESSION_FORBIDDEN"],
    ["input instanceof input", "EXPRESSION_FORBIDDEN"],
    ["[...input]", "EXPRESSION_FORBIDDEN"],
    ["{ ...input }", "EXPRESSION_FORBIDDEN"],
    ["1 // one", "EXPRESSION_FORBIDDEN"],
    ["function () {}", "EXPRESSION_FORBIDDEN"],
    ["undefined", "UNKNOWN_REFERENCE"],
    ["NaN", "UNKNOWN_REFERENCE"],
    ["globalThis", "UNKNOWN_REFERENCE"],
  ]);

  it("says where, as an offset into the expression", () => {
    const at = (source: string): unknown => {
      try {
        return compileExpression(source);
      } catch (error) {
        return error instanceof ExpressionSyntaxError ? error.problems.map((problem) => problem.position) : error;
      }
    };
    expect(at("1 + foo + bar()")).toEqual([4, 10]);
    expect(at("1 +")).toEqual([3]);
    expect(at("a ?? b || c")).toEqual([7]);
    expect(at("[1, (2]")).toEqual([6]);
  });
});

describe("references", () => {
  it("gathers roots, steps and secrets with their places", () => {
    const { references } = compileExpression('steps.a.output + steps["b"].error?.code + secrets.KEY + input.x');
    expect([...references.roots]).toEqual(["steps", "secrets", "input"]);
    expect([...references.steps]).toEqual(["a", "b"]);
    expect([...references.secrets]).toEqual(["KEY"]);
    expect(references.places[1]).toEqual({ root: "steps", name: "b", path: "", position: 17 });
  });

  table([
    ["steps", "EXPRESSION_FORBIDDEN"],
    ["steps[input.name].output", "EXPRESSION_FORBIDDEN"],
    ["steps.keys()", "EXPRESSION_FORBIDDEN"],
    ["json(secrets)", "EXPRESSION_FORBIDDEN"],
    ["steps.a.result", "UNKNOWN_REFERENCE"],
    ["steps.a.output", null],
    ["steps.a", { output: null, status: "pending", error: null }],
    ["[1].map(steps => steps + 1)", [2]],
    ["response", "UNKNOWN_REFERENCE"],
    ["secrets.GONE", "SECRET_MISSING"],
  ]);

  it("refuses secrets where they are not among the roots", () => {
    expect(() => compileExpression("secrets.A", { roots: ["input"] })).toThrowError(
      expect.objectContaining({ problems: [expect.objectContaining({ code: "SECRET_NOT_ALLOWED" })] }),
    );
  });

  it("reads the answer only where it is among the roots", () => {
    const compiled = compileExpression("response.body.ok && input", { roots: ["input", "response"] });
    expect(evaluateExpression(compiled, testScope({ input: 1, response: { body: { ok: true } } }))).toBe(1);
  });
});

describe("messages", () => {
  it("never hold a secret, nor much of the data", () => {
    const parts = { secrets: () => "s3cr3t-value" };
    for (const source of [
      "date(secrets.A)",
      "number(secrets.A)",
      "secrets.A - 1",
      "parseJson(secrets.A)",
      "secrets.A.x",
    ]) {
      expect(complaint(source, input, parts)).not.toContain("s3cr3t");
    }
    expect(complaint("date(input)", "x".repeat(5000)).length).toBeLessThan(300);
    expect(complaint("date(input)", "tomorrow")).toContain('the string "tomorrow"');
  });
});

describe("data with hostile keys", () => {
  const hostile = JSON.parse('{"__proto__": {"admin": true}, "a": 1}') as Json;

  it("stays data through every function that copies", () => {
    for (const source of [
      "merge(input, {})",
      "input.mapValues(v => v)",
      "input.entries().fromEntries()",
      'omit(input, "x")',
    ]) {
      const copy = evaluate(source, hostile);
      expect(JSON.stringify(copy)).toBe(JSON.stringify(hostile));
      expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    }
    expect(evaluate('[1].groupBy(n => "__proto__")')).toEqual(JSON.parse('{"__proto__":[1]}'));
    expect(evaluate('{ ["__proto__"]: 1 }.admin')).toBeNull();
    expect(evaluate("input.admin", hostile)).toBeNull();
  });

  it("refuses numbers that JSON.parse let through as infinite", () => {
    expect(outcome("input", JSON.parse("[1e999]") as Json)).toBe("EXPRESSION_FAILED");
  });
});
