// Functions of arrays.
import type { Json } from "@keelson/contracts";
import { isArray, isTruthy } from "../kinds.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

export const ARRAY_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["array"],
    "map(array, arrow)",
    { summary: "What the arrow makes of each item.", example: "[1, 2].map(n => n * 10)", result: "[10,20]" },
    (call) => {
      const [items, arrow] = [call.array(0), call.arrow(1)];
      call.frame.reserveItems(items.length);
      return items.map((item, index) => arrow(item, index));
    },
  ),
  define(
    ["array"],
    "filter(array, arrow)",
    { summary: "The items for which the arrow is truthy.", example: "[1, 2, 3].filter(n => n > 1)", result: "[2,3]" },
    (call) => {
      const test = tester(call);
      return call.array(0).filter(test);
    },
  ),
  define(
    ["array"],
    "find(array, arrow)",
    {
      summary: "The first item for which the arrow is truthy, null without one.",
      example: "[{ id: 1 }, { id: 2 }].find(i => i.id == 2)",
      result: '{"id":2}',
    },
    (call) => call.array(0).find(tester(call)) ?? null,
  ),
  define(
    ["array"],
    "findIndex(array, arrow)",
    {
      summary: "The index of the first such item, as for `find`; -1 without one.",
      example: "[5, 6].findIndex(n => n == 6)",
      result: "1",
    },
    (call) => call.array(0).findIndex(tester(call)),
  ),
  define(
    ["array"],
    "some(array, arrow)",
    { summary: "Whether the arrow is truthy for an item.", example: "[1, 2].some(n => n > 1)", result: "true" },
    (call) => call.array(0).some(tester(call)),
  ),
  define(
    ["array"],
    "every(array, arrow)",
    { summary: "Whether the arrow is truthy for all items.", example: "[1, 2].every(n => n > 1)", result: "false" },
    (call) => call.array(0).every(tester(call)),
  ),
  define(
    ["array"],
    "reduce(array, fold, initial?)",
    {
      summary: "Folds the items into one value; without `initial` the first item begins.",
      example: "[1, 2, 3].reduce((total, n) => total + n, 0)",
      result: "6",
    },
    reduce,
  ),
  define(
    ["array"],
    "flatMap(array, arrow)",
    {
      summary: "Like `map`, with arrays among the results laid out flat.",
      example: "[[1, 2], [3]].flatMap(a => a)",
      result: "[1,2,3]",
    },
    (call) => {
      const [items, arrow] = [call.array(0), call.arrow(1)];
      return flatten(
        items.map((item, index) => arrow(item, index)),
        1,
        call,
      );
    },
  ),
  define(
    ["array"],
    "flat(array, depth?)",
    {
      summary: "Arrays inside laid out flat, one level or `depth`.",
      example: "[1, [2, [3]]].flat()",
      result: "[1,2,[3]]",
    },
    (call) => {
      const depth = call.integer(1, 1);
      return depth > 128 ? call.fail("its depth is 128 at most") : flatten(call.array(0), depth, call);
    },
  ),
  define(
    ["array"],
    "chunk(array, size)",
    { summary: "The items in groups of `size`.", example: "[1, 2, 3].chunk(2)", result: "[[1,2],[3]]" },
    (call) => {
      const [items, size] = [call.array(0), call.integer(1)];
      if (size < 1) call.fail("its size is 1 at least");
      call.frame.reserveItems(items.length);
      const count = Math.ceil(items.length / size);
      return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
    },
  ),
  define(
    ["number"],
    "range(start, end, step?)",
    { summary: "Numbers from `start` to before `end`.", example: "range(0, 3)", result: "[0,1,2]" },
    (call) => {
      const [start, end, step] = [call.number(0), call.number(1), call.number(2, 1)];
      if (step === 0) call.fail("its step is not 0");
      const count = Math.max(0, Math.ceil((end - start) / step));
      call.frame.reserveItems(count);
      return Array.from({ length: count }, (_, index) => start + index * step);
    },
  ),
];

/** The arrow at index 1 as a test; each try is paid for by the arrow itself. */
function tester(call: Call): (item: Json, index: number) => boolean {
  const arrow = call.arrow(1);
  return (item, index) => isTruthy(arrow(item, index));
}

function reduce(call: Call): Json {
  const [items, fold] = [call.array(0), call.arrow(1)];
  const seeded = call.has(2);
  if (!seeded && items.length === 0) call.fail("an empty array needs an initial value");
  let total = seeded ? call.value(2) : (items[0] ?? null);
  for (let index = seeded ? 0 : 1; index < items.length; index += 1) {
    total = fold(total, items[index] ?? null, index);
  }
  return total;
}

function flatten(items: readonly Json[], depth: number, call: Call): Json[] {
  const flat: Json[] = [];
  const lay = (part: readonly Json[], left: number): void => {
    call.frame.reserveItems(part.length);
    for (const item of part) {
      if (left > 0 && isArray(item)) lay(item, left - 1);
      else flat.push(item);
    }
  };
  lay(items, depth);
  return flat;
}
