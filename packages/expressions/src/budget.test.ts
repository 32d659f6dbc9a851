// The bounds of an evaluation, counted in steps: no clock is asked, so nothing here depends on the machine.
import { describe, expect, it } from "vitest";
import { complaint, outcome, testScope } from "./fixtures/scope.ts";
import { compileExpression, evaluateExpression, findTruthy } from "./expression.ts";
import { jsonBytes, utf8Bytes } from "./sizes.ts";

const big = "a".repeat(1_000_000);
const input = {
  big,
  copy: `${big.slice(1)}a`,
  numbers: Array.from({ length: 100_000 }, (_, index) => index),
  wide: Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, index])),
};

describe("work is bounded", () => {
  it.each([
    ["range(0, 90000).map(i => range(0, 90000).map(j => i * j))"],
    ["input.numbers.map(i => sha256(input.big))"],
    ["input.numbers.map(i => input.big.indexOf('b' + input.big.slice(0, 300)))"],
    ["input.numbers.map(i => input.big.lastIndexOf('b' + input.big.slice(0, 300)))"],
    ["input.big.indexOf(input.big.slice(0, 400000) + 'b')"],
    ["input.numbers.map(i => { a: 1 } == input.wide)".replace("{ a: 1 }", "({ a: 1 })")],
    ["input.numbers.map(i => input.big == input.copy)"],
    ["input.numbers.map(i => i % 2 == 0 ? input.big : input.copy).sort()"],
    ["input.numbers.slice(0, 5000).map(i => i % 2 == 0 ? input.big : input.copy).sort()"],
    ["input.numbers.slice(0, 5000).groupBy(i => i % 2 == 0 ? input.big : input.copy)"],
    ["pick({}, input.numbers.slice(0, 5000).map(i => i % 2 == 0 ? input.big : input.copy))"],
    ["input.numbers.map(i => keys(input.wide))"],
    ["input.numbers.map(i => json(input.numbers))"],
    ["input.numbers.map(i => parseJson('[1, 2, 3]'))"],
    ["range(0, 9000).map(i => formatDate(i, 'yyyy', 'Europe/Berlin'))"],
    ["range(0, 90000).map(i => toFixed(1e300, 100))"],
    ["range(0, 25).reduce((a, i) => [a, a], [1]) == range(0, 25).reduce((a, i) => [a, a], [1])"],
  ])("%s", (source) => {
    expect(outcome(source, input)).toBe("EXPRESSION_FAILED");
    expect(complaint(source, input)).toContain("too many steps");
  });

  it("by a budget that the caller may narrow, and always at the same step", () => {
    const compiled = compileExpression("input.map(i => i + 1).length");
    const run = (steps: number) => evaluateExpression(compiled, testScope({ input: [1, 2, 3] }), { steps, bytes: 100 });
    const needed = Array.from({ length: 100 }, (_, steps) => steps).find((steps) => {
      try {
        return run(steps) === 3;
      } catch {
        return false;
      }
    });
    expect(needed).toBeGreaterThan(5);
    expect(() => run((needed ?? 0) - 1)).toThrow("too many steps");
    expect(run(needed ?? 0)).toBe(3);
  });
});

describe("sizes are refused before anything is allocated", () => {
  it.each([
    ['"a".repeat(1e9)'],
    ['"a".padEnd(536870888)'],
    ['"a".padStart(1e15)'],
    ['"a".repeat(10000).replaceAll("a", "b".repeat(10000))'],
    ["range(0, 1e9)"],
    ["range(0, 1, 1e-12)"],
    ["range(0, 60).reduce((a, i) => a + a, 'ab')"],
    ["input.numbers.join(input.big)"],
    ["input.big.split('')"],
    ["urlEncode('€'.repeat(200000))"],
    ["input.big + input.big"],
    ["range(0, 40).reduce((a, i) => [a, a], 1)"],
    ["json(range(0, 40).reduce((a, i) => [a, a], 1))"],
    ["range(0, 500).reduce((a, i) => [a], 1)"],
    ["[input.big, input.big]"],
    ["range(0, 1000).reduce((a, i) => a.concat(a), [1])"],
  ])("%s", (source) => {
    expect(outcome(source, input)).toBe("TOO_LARGE");
  });
});

describe("what is usual is far from the bounds", () => {
  const orders = Array.from({ length: 5000 }, (_, id) => ({ id, sku: `s${id % 50}`, qty: id % 7, price: 1.25 }));

  it("5,000 items filtered, mapped, summed, sorted and grouped", () => {
    expect(
      outcome(
        "input.filter(i => i.qty > 0).map(i => ({ sku: i.sku, total: round(i.qty * i.price, 2) })).length",
        orders,
      ),
    ).toBe(4285);
    expect(outcome('input.sortBy("sku").groupBy("sku").keys().length', orders)).toBe(50);
    expect(outcome("input.map(i => i.qty).sum()", orders)).toBe(14_995);
  });

  it("a body of one megabyte digested and searched", () => {
    expect(outcome("sha256(input).length + input.indexOf('needle')", big)).toBe(63);
  });
});

describe("sizes in bytes", () => {
  const texts = ["", 'a"\\\n\u0001\u007f', "é€😀", "\ud800x\udc00"];

  it.each([...texts, 1.5, -3, true, null, [], {}, [1, "a", [null]], { a: 1, é: [{ b: "" }] }])(
    "of %j are its JSON's",
    (value) => {
      expect(jsonBytes(value, 1e6)).toBe(Buffer.byteLength(JSON.stringify(value)));
    },
  );

  it.each(texts)("of the text %j are its UTF-8's", (text) => {
    expect(utf8Bytes(text)).toBe(Buffer.byteLength(text));
  });
});

describe("the cases of a condition", () => {
  const costly = compileExpression("range(0, 60000).map(i => i + 1).length < 0");
  const cheap = compileExpression("input.n == 1");

  it("are bounded together, so that many are no more work than one", () => {
    const scope = testScope({ input: { n: 1 } });
    expect(evaluateExpression(costly, scope)).toBe(false);
    expect(findTruthy([cheap, ...Array.from({ length: 256 }, () => costly)], scope)).toBe(0);
    expect(findTruthy([costly, cheap], scope)).toBe(1);
    expect(() => findTruthy([...Array.from({ length: 256 }, () => costly), cheap], scope)).toThrow("too many steps");
  });
});
