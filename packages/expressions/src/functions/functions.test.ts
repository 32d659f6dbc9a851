import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "@keelson/contracts";
import { complaint, evaluate, outcome } from "../fixtures/scope.ts";
import { FUNCTION_TABLE, FUNCTIONS } from "./catalogue.ts";

const CONTRACT = (
  "map filter find some every reduce flatMap flat sort reverse slice concat includes indexOf join length " +
  "split trim toLowerCase toUpperCase startsWith endsWith replaceAll padStart substring keys values entries merge pick " +
  "omit sum min max round floor ceil abs number string boolean json parseJson base64 base64Decode urlEncode sha256 " +
  "hmacSha256 now date formatDate addDuration uuid coalesce groupBy sortBy unique range first last replace fromEntries " +
  "toFixed epochMs"
).split(" ");

describe("the list of functions", () => {
  it("has every function that is promised, each once", () => {
    const names = FUNCTIONS.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(CONTRACT));
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(FUNCTIONS.map(({ name, example, result }) => [name, example, result]))(
    "%s: %s is %s",
    (_name, example, result) => {
      expect(JSON.stringify(evaluate(example))).toBe(result);
    },
  );

  it("is called alike as a function and as a method", () => {
    expect(evaluate('["a,b".split(","), split("a,b", ",")]')).toEqual([
      ["a", "b"],
      ["a", "b"],
    ]);
    expect(evaluate("[[2, 1].sort(), sort([2, 1])]")).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});

function table(rows: readonly (readonly [string, Json])[]): void {
  it.each(rows)("%s", (source, expected) => {
    expect(outcome(source)).toStrictEqual(expected);
  });
}

describe("rounding takes the decimal as written, half away from zero", () => {
  table([
    ["round(2.5)", 3],
    ["round(-2.5)", -3],
    ["round(1.005, 2)", 1.01],
    ["round(-1.005, 2)", -1.01],
    ["round(1.4999999999999999)", 2],
    ["round(0.1 + 0.2, 15)", 0.3],
    ["round(1234.5, -2)", 1200],
    ["round(50, -2)", 100],
    ["round(49, -2)", 0],
    ["round(1e21, 2)", 1e21],
    ["round(5e-324, 2)", 0],
    ["round(-0.4)", 0],
    ["round(1.5, 1.5)", "EXPRESSION_FAILED"],
    ["toFixed(1.005, 2)", "1.01"],
    ["toFixed(-0.001, 2)", "0.00"],
    ["toFixed(1e21, 1)", "1000000000000000000000.0"],
    ["toFixed(0.5)", "1"],
    ["toFixed(12, -1)", "EXPRESSION_FAILED"],
  ]);
});

describe("numbers", () => {
  table([
    ["min(3, 1)", 1],
    ["[].max()", null],
    ["[].sum()", 0],
    ["[].average()", null],
    ["sum([1, 2], 3)", "EXPRESSION_FAILED"],
    ['["1"].sum()', "EXPRESSION_FAILED"],
    ["sqrt(-1)", "EXPRESSION_FAILED"],
    ["ceil(-0.5)", 0],
    ['number("1e3")', 1000],
    ['number("0x10")', "EXPRESSION_FAILED"],
    ['number("")', "EXPRESSION_FAILED"],
    ['number("12px")', "EXPRESSION_FAILED"],
    ['number("1e999")', "EXPRESSION_FAILED"],
    ["number(null)", "EXPRESSION_FAILED"],
    ["number(true)", 1],
    ["range(3, 0, -1)", [3, 2, 1]],
    ["range(0, 1, 0.5)", [0, 0.5]],
    ["range(3, 0)", []],
    ["range(0, 1, 0)", "EXPRESSION_FAILED"],
    ["range(0, 1e9)", "TOO_LARGE"],
  ]);
});

describe("arrays", () => {
  table([
    ["[3, 10, 2].sort()", [2, 3, 10]],
    ['["b", null, "a"].sort()', ["a", "b", null]],
    ['[1, "a"].sort()', "EXPRESSION_FAILED"],
    ["[1, 3, 2].sort((a, b) => b - a)", [3, 2, 1]],
    ['[1, 2].sort((a, b) => "x")', "EXPRESSION_FAILED"],
    ["[{ a: 2 }, { a: 1 }].sortBy(i => i.a)", [{ a: 1 }, { a: 2 }]],
    ['[{ a: 1 }, { a: 2 }].sortBy("a", "desc")', [{ a: 2 }, { a: 1 }]],
    ['[1].sortBy("a")', "EXPRESSION_FAILED"],
    ['[{ a: 1 }, { a: 1 }, 1, true, "1", null].unique()', [{ a: 1 }, 1, true, "1", null]],
    ["[{ a: 1, b: 2 }, { b: 2, a: 1 }].unique()", [{ a: 1, b: 2 }]],
    ["[1, [2], { a: 1 }].includes({ a: 1 })", true],
    ["[[1], [2]].indexOf([2])", 1],
    ["[1, 2, 1].lastIndexOf(1)", 2],
    ["[1, 2].find(n => n > 5)", null],
    ["[].reduce((a, b) => a)", "EXPRESSION_FAILED"],
    ["[5].reduce((a, b) => a)", 5],
    ["[1, [2, [3, [4]]]].flat(2)", [1, 2, 3, [4]]],
    ["[].first()", null],
    ["[1, 2, 3].slice(1)", [2, 3]],
    ["[1, 2, 3].slice(-2, -1)", [2]],
    ["[1, null, { a: 1 }].join()", '1,,{"a":1}'],
    ["[1].concat(2, [3, [4]])", [1, 2, 3, [4]]],
    ["[1, 2].groupBy(n => n % 2 == 0)", { false: [1], true: [2] }],
    ["[[1]].groupBy(n => n)", "EXPRESSION_FAILED"],
    ["[1, 2].chunk(0)", "EXPRESSION_FAILED"],
    ["[1, 2].slice(0.5)", "EXPRESSION_FAILED"],
  ]);
});

describe("strings", () => {
  table([
    ['"a$b".replace("$", "$&$1")', "a$&$1b"],
    ['"aaa".replaceAll("a", "$&")', "$&$&$&"],
    ['"ab".replaceAll("", "-")', "-a-b-"],
    ['"a.b".replace(".", "")', "ab"],
    ['"abc".split("")', ["a", "b", "c"]],
    ['"a,b,c".split(",", 2)', ["a", "b"]],
    ['"".split(",")', [""]],
    ['"abc".substring(2, 0)', "ab"],
    ['"abc".slice(-1)', "c"],
    ['"héé😀".reverse()', "😀ééh"],
    ['"abc".indexOf("z")', -1],
    ['"x".padEnd(3, "ab")', "xab"],
    ['"x".repeat(-1)', "EXPRESSION_FAILED"],
    ['"a".concat(1, true)', "a1true"],
    ['"a".startsWith(1)', "EXPRESSION_FAILED"],
    ["string(null)", ""],
    ["string([1])", "[1]"],
    ["json(null)", "null"],
    ['json("a\\"b")', '"a\\"b"'],
    ['parseJson("{")', "EXPRESSION_FAILED"],
    ['parseJson("1e999")', "EXPRESSION_FAILED"],
    ['urlEncode("ä/ ?")', "%C3%A4%2F%20%3F"],
    ['urlDecode("%")', "EXPRESSION_FAILED"],
    ['base64Decode("*")', "EXPRESSION_FAILED"],
    ['base64Decode("/w==")', "EXPRESSION_FAILED"],
    ['base64Decode("YQ")', "a"],
    ['base64("äöü€😀").base64Decode()', "äöü€😀"],
    ['sha256("")', "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    // RFC 4231, case 2
    [
      'hmacSha256("what do ya want for nothing?", "Jefe")',
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    ['hmacSha256("a", "k", "base64url").length', 43],
    ['sha256("a", "latin1")', "EXPRESSION_FAILED"],
  ]);
});

describe("objects", () => {
  table([
    ["merge({ a: 1 }, null, { a: 2 })", { a: 2 }],
    ["merge({ a: 1 }, [1])", "EXPRESSION_FAILED"],
    ['pick({ a: 1 }, ["a", "b"])', { a: 1 }],
    ['pick({ a: 1 }, "toString")', {}],
    ['omit({ a: 1, b: 2 }, "a", "b")', {}],
    ["keys([1])", "EXPRESSION_FAILED"],
    ["fromEntries([[1, 2]])", { 1: 2 }],
    ["fromEntries([1])", "EXPRESSION_FAILED"],
    ["{ a: 1 }.mapValues((v, k) => k + v)", { a: "a1" }],
    ["coalesce(null, null)", null],
    ["coalesce(null, 0, 1)", 0],
  ]);
});

describe("times", () => {
  table([
    ['date("2026-02-29")', "EXPRESSION_FAILED"],
    ['date("2024-02-29")', "2024-02-29T00:00:00.000Z"],
    ['date("2026-01-15T10:00:00.123456-02:30")', "2026-01-15T12:30:00.123Z"],
    ['date("2026-01-15t10:00:00z")', "2026-01-15T10:00:00.000Z"],
    ['date("2026-01-15T10:00:00")', "EXPRESSION_FAILED"],
    ['date("2026-01-15T24:00:00Z")', "EXPRESSION_FAILED"],
    ['date("2016-12-31T23:59:60Z")', "2017-01-01T00:00:00.000Z"],
    ["date(0)", "1970-01-01T00:00:00.000Z"],
    ["date(1e18)", "EXPRESSION_FAILED"],
    ['date("0000-01-01")', "0000-01-01T00:00:00.000Z"],
    ['date("now")', "EXPRESSION_FAILED"],
    ['addDuration("2026-01-31T00:00:00Z", "PT36H")', "2026-02-01T12:00:00.000Z"],
    ['addDuration("2026-01-15", -1500)', "2026-01-14T23:59:58.500Z"],
    ['addDuration("2026-01-15", "1 day")', "EXPRESSION_FAILED"],
    ['addDuration("9999-12-31", "2d")', "EXPRESSION_FAILED"],
    ["epochMs(date(1500))", 1500],
    ["formatDate(0, \"yyyy-MM-dd'T'HH:mm:ss.SSSXXX\")", "1970-01-01T00:00:00.000Z"],
    ['formatDate("2026-03-29T00:59:59Z", "HH:mm xxx", "Europe/Berlin")', "01:59 +01:00"],
    ['formatDate("2026-03-29T01:00:00Z", "HH:mm xxx", "Europe/Berlin")', "03:00 +02:00"],
    ['formatDate("2026-07-04T18:05:09Z", "EEE d MMMM yy, h:mm a", "America/New_York")', "Sat 4 July 26, 2:05 PM"],
    ['formatDate("2026-01-01T00:00:00Z", "yyyy-MM-dd HH:mm XXX", "Asia/Kathmandu")', "2026-01-01 05:45 +05:45"],
    ["formatDate(0, \"'it''s' EEEE\")", "it's Thursday"],
    ['formatDate(0, "YYYY")', "EXPRESSION_FAILED"],
    ['formatDate(0, "yyyy", "Mars/Base")', "EXPRESSION_FAILED"],
    ["now().date() == now()", true],
  ]);
});

describe("whatever comes", () => {
  const hostileValue: fc.Arbitrary<Json> = fc.oneof(
    fc.constantFrom<Json[]>(
      null,
      true,
      0,
      -0,
      -1,
      0.5,
      1e21,
      1e308,
      5e-324,
      2 ** 53,
      "",
      "a",
      "\0",
      "\ud800",
      "__proto__",
      "constructor",
      "$&",
      "{{",
      "2026-01-15T00:00:00Z",
      "é".repeat(300),
      "yyyy'",
      "[[[[",
      [],
      [[]],
      [null],
      {},
      { length: 1e9 },
      { a: { b: [1] } },
      JSON.parse('{"__proto__":{"x":1},"toString":1}') as Json,
    ),
    fc.jsonValue() as fc.Arbitrary<Json>,
  );
  const argument = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom("input[0]", "input[1]", "input[2]", "input[3]") },
    {
      weight: 2,
      arbitrary: fc.constantFrom("x => x", "(a, b) => b", "(a, b, c) => [a, b, c]", "i => i.a", "x => input"),
    },
    { weight: 1, arbitrary: fc.constantFrom("1e9", "-1e9", "9e15", '"a"', "[1, 2, 3]", "{ a: 1 }") },
  );

  it("every function answers with JSON or with an error of its own", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FUNCTION_TABLE.keys()),
        fc.array(argument, { maxLength: 4 }),
        fc.array(hostileValue, { minLength: 4, maxLength: 4 }),
        (name, args, input) => {
          // outcome() lets errors of the host pass, which fails the property.
          const value = outcome(`${name}(${args.join(", ")})`, input);
          expect(JSON.stringify(JSON.parse(JSON.stringify(value)))).toBe(JSON.stringify(value));
        },
      ),
      { numRuns: 6000 },
    );
  });

  it("data that nests too deep is refused by every function, not by the host's stack", () => {
    let deep: Json = [];
    for (let level = 0; level < 20_000; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
    const sources = [...FUNCTION_TABLE.values()].flatMap(({ name, receivers }) =>
      ["input", "input[0]", "[input, input]"].flatMap((receiver) =>
        ["", ", x => x", ", (a, b) => [a, b]", ", input", ', "deep"'].map((rest) =>
          receivers.size === 0 ? `${name}()` : `${name}(${receiver}${rest})`,
        ),
      ),
    );
    expect(() => sources.map((source) => outcome(source, deep))).not.toThrow();
  });

  it("names the function and the argument in its errors", () => {
    expect(complaint('"a".padStart("b")')).toMatch(
      /^padStart\(\): its second argument has to be a number, not the string "b"/,
    );
    expect(complaint("input.map(i => i)", "a")).toMatch(/^map\(\) is a function of array, not of a string/);
  });
});
