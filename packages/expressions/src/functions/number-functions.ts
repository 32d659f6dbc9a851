// Functions of numbers.
import { roundDecimal, toFixedDecimal } from "../decimal.ts";
import { isArray } from "../kinds.ts";
import { finite } from "../operators.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

/** Most decimals that can be asked for. */
const MAX_PLACES = 100;

export const NUMBER_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["number"],
    "round(number, places?)",
    {
      summary: "The decimal as written, half away from zero; below 0 places: tens, hundreds.",
      example: "round(1.005, 2)",
      result: "1.01",
    },
    (call) => {
      call.frame.spend(5);
      return finite(roundDecimal(finite(call.number(0)), places(call, -MAX_PLACES)));
    },
  ),
  define(
    ["number"],
    "toFixed(number, places?)",
    { summary: "As text with so many decimals, rounded like `round`.", example: "toFixed(2.5, 2)", result: '"2.50"' },
    (call) => {
      const [number, decimals] = [finite(call.number(0)), places(call, 0)];
      // Digits in numbers too large to be counted in are written out as well.
      call.frame.spend(10 + decimals + (Number.isSafeInteger(Math.trunc(number)) ? 0 : 100));
      return toFixedDecimal(number, decimals);
    },
  ),
  define(
    ["number"],
    "floor(number)",
    { summary: "The next whole number below.", example: "floor(-1.5)", result: "-2" },
    (call) => finite(Math.floor(call.number(0))),
  ),
  define(
    ["number"],
    "ceil(number)",
    { summary: "The next whole number above.", example: "ceil(1.2)", result: "2" },
    (call) => finite(Math.ceil(call.number(0))),
  ),
  define(
    ["number"],
    "trunc(number)",
    { summary: "Without its decimals.", example: "trunc(-1.5)", result: "-1" },
    (call) => finite(Math.trunc(call.number(0))),
  ),
  define(["number"], "abs(number)", { summary: "Without its sign.", example: "abs(-3)", result: "3" }, (call) =>
    finite(Math.abs(call.number(0))),
  ),
  define(["number"], "sign(number)", { summary: "-1, 0 or 1.", example: "sign(-3)", result: "-1" }, (call) =>
    finite(Math.sign(call.number(0))),
  ),
  define(["number"], "sqrt(number)", { summary: "The square root.", example: "sqrt(9)", result: "3" }, (call) =>
    finite(Math.sqrt(call.number(0))),
  ),
  define(
    ["number", "array"],
    "min(numbers…)",
    { summary: "The least, of an array too; null of none.", example: "min(3, 1, 2)", result: "1" },
    (call) => extreme(call, (a, b) => a < b),
  ),
  define(
    ["number", "array"],
    "max(numbers…)",
    { summary: "The greatest, of an array too; null of none.", example: "[3, 1, 2].max()", result: "3" },
    (call) => extreme(call, (a, b) => a > b),
  ),
  define(
    ["number", "array"],
    "sum(numbers…)",
    { summary: "The sum, of an array too; 0 of none.", example: "[1, 2, 3].sum()", result: "6" },
    (call) => total(numbers(call)),
  ),
  define(
    ["number", "array"],
    "average(numbers…)",
    { summary: "The mean, of an array too; null of none.", example: "[1, 2, 6].average()", result: "3" },
    (call) => {
      const all = numbers(call);
      return all.length === 0 ? null : finite(total(all) / all.length);
    },
  ),
];

function places(call: Call, least: number): number {
  const count = call.integer(1, 0);
  return count >= least && count <= MAX_PLACES ? count : call.fail(`its places are ${least} to ${MAX_PLACES}`);
}

/** The arguments, or the items of the array that is the only one. */
function numbers(call: Call): number[] {
  const first = call.value(0);
  const values = isArray(first) && !call.has(1) ? first : call.rest(0);
  call.frame.reserveItems(values.length);
  return values.map((value) => (typeof value === "number" ? value : call.fail("it takes numbers alone")));
}

function extreme(call: Call, isBetter: (a: number, b: number) => boolean): number | null {
  const [first, ...others] = numbers(call);
  if (first === undefined) return null;
  return others.reduce((best, number) => (isBetter(number, best) ? number : best), first);
}

function total(all: readonly number[]): number {
  return finite(all.reduce((sum, number) => sum + number, 0));
}
