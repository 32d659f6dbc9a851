// The shared subset of the language and JavaScript, held against the host's own JavaScript.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "@keelson/contracts";
import { outcome } from "./fixtures/scope.ts";
import { isTruthy } from "./kinds.ts";

const INPUT = { n: 3, z: 0, s: "ab", e: "", t: true, f: false, u: null, list: [1, 2, 3], o: { a: { b: 7 }, s: "x" } };

/** What JavaScript makes of it: JSON, "refused", or "failed" where it throws or leaves JSON. */
function javascript(source: string): Json {
  let run: (input: unknown) => unknown;
  try {
    // Once without the parentheses, which would make something of `1 ) (`.
    hostFunction(`return ${source}\n;`);
    run = hostFunction(`return (${source}\n);`);
  } catch {
    return "refused";
  }
  try {
    return normal(run(structuredClone(INPUT)));
  } catch {
    return "failed";
  }
}

function hostFunction(body: string): (input: unknown) => unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- the host's own JavaScript is the reference here
  return new Function("input", `"use strict"; ${body}`) as (input: unknown) => unknown;
}

function normal(value: unknown): Json {
  if (value === undefined) return null;
  if (typeof value === "number" && !Number.isFinite(value)) return "failed";
  if (typeof value === "number") return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, normal(item)]));
  }
  return value as Json;
}

function ours(source: string): Json {
  const result = outcome(source, INPUT);
  if (result === "EXPRESSION_SYNTAX") return "refused";
  return result === "EXPRESSION_FAILED" ? "failed" : result;
}

const {
  number: numbers,
  boolean: booleans,
  any: anything,
  raw,
} = fc.letrec<{
  number: string;
  boolean: string;
  any: string;
  raw: string;
}>((tie) => {
  const infix = (left: fc.Arbitrary<string>, operators: readonly string[], right: fc.Arbitrary<string>) =>
    fc.tuple(left, fc.constantFrom(...operators), right).map(([a, operator, b]) => `${a} ${operator} ${b}`);
  const body = (text: string) => (text.startsWith("{") ? `(${text})` : text);
  const grouped = (inner: fc.Arbitrary<string>) => inner.map((text) => `(${text})`);
  const number = fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(
      "0",
      "1",
      "2",
      "10",
      "0.5",
      "1e2",
      "input.n",
      "input.z",
      "input.list[1]",
      "input.o?.a.b",
      "input.s.length",
    ),
    infix(tie("number"), ["+", "-", "*", "/", "%", "**"], tie("number")),
    grouped(tie("number")),
    tie("number").map((text) => `- ${text}`),
    fc.tuple(tie("boolean"), tie("number"), tie("number")).map(([a, b, c]) => `((${a}) ? ${b} : ${c})`),
    tie("number").map((text) => `input.list.map((x, i) => x * i + ${text}).reduce((a, b) => a + b, 0)`),
  );
  const boolean = fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("true", "false", "input.t", "input.f", '"a" in input.o', '"q" in input.o', "1 in input.list"),
    infix(tie("number"), ["<", ">", "<=", ">=", "===", "!==", "==", "!="], tie("number")),
    infix(tie("any"), ["===", "!=="], fc.constantFrom('""', "0", "false", '"ab"')),
    tie("any").map((text) => `! (${text})`),
    tie("any").map((text) => `input.list.some(x => ${body(text)})`),
    grouped(tie("boolean")),
  );
  const any = fc.oneof(
    { depthSize: "small" },
    tie("number"),
    tie("boolean"),
    fc.constantFrom(
      '""',
      '"ab"',
      "'c\\u0064'",
      "null",
      "input.u",
      "input.u?.x.y",
      "input.u?.[0].z",
      "input.o?.a?.b",
      "input.s[0]",
    ),
    infix(tie("any"), ["&&", "||", "??"], tie("any")),
    grouped(tie("any")),
    fc.tuple(tie("any"), tie("any"), tie("any")).map(([a, b, c]) => `${a} ? ${b} : ${c}`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `[${a}, ${b}]`),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `{ a: ${a}, "b": ${b}, ["c"]: 1 }`),
    fc.tuple(fc.constantFrom('""', '"x"'), tie("number")).map(([a, b]) => `${a} + (${b})`),
    tie("any").map((text) => `input.list.map(x => ${body(text)})`),
    tie("any").map((text) => `input.list.filter((x, i) => ${body(text)})`),
  );
  const token = fc.constantFrom(
    ..."1 2 input input.n ( ) [ ] { } , : ? ?. . + - * / % ** ! && || ?? < == === => in x true null a: ...".split(" "),
  );
  return { number, boolean, any, raw: fc.array(token, { minLength: 1, maxLength: 8 }).map((all) => all.join(" ")) };
});

describe("against the host's JavaScript", () => {
  it("arithmetic, comparison, logic, choices, chains and arrows give the same value or refusal", () => {
    fc.assert(
      fc.property(fc.oneof(numbers, booleans, anything), (source) => {
        fc.pre(source.length < 2000);
        const [got, expected] = [ours(source), javascript(source)];
        // A number that is not finite on the way is an error at once; JavaScript may get over it.
        fc.pre(got !== "failed" || !/[*/%]/.test(source));
        expect({ source, got }).toStrictEqual({ source, got: expected });
      }),
      { numRuns: 800 },
    );
  });

  it("no row of tokens is accepted that JavaScript refuses", () => {
    fc.assert(
      fc.property(raw, (source) => {
        if (javascript(source) !== "refused") return;
        const wrong = ["refused", "EXPRESSION_FORBIDDEN", "UNKNOWN_REFERENCE", "UNKNOWN_FUNCTION"];
        expect({ source, got: wrong.some((code) => code === ours(source)) }).toStrictEqual({ source, got: true });
      }),
      { numRuns: 4000 },
    );
  });

  it("no row of tokens is called a syntax error that JavaScript accepts", () => {
    fc.assert(
      fc.property(raw, (source) => {
        if (ours(source) !== "refused") return;
        expect({ source, got: javascript(source) }).toStrictEqual({ source, got: "refused" });
      }),
      { numRuns: 4000 },
    );
  });

  it.each([[0], [""], [false], [null], [1], ["0"], ["false"], [true], [[]], [{}], [-1]] as Json[][])(
    "truth of %j",
    (value) => {
      expect(isTruthy(value ?? null)).toBe(Boolean(value));
    },
  );
});
