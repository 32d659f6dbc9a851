// Functions that order, group and tell items apart.
import { isJsonObject, type Json } from "@keelson/contracts";
import { isArray, put } from "../kinds.ts";
import { jsonBytes } from "../sizes.ts";
import { compareValues } from "../values.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";
import { MAX_TEXT_UNITS } from "../frame.ts";

export const ORDER_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["array"],
    "sort(array, arrow?)",
    {
      summary: "Numbers as numbers, strings by code unit, null last; or by an arrow `(a, b) => …` that gives a number.",
      example: "[10, 9, 1].sort()",
      result: "[1,9,10]",
    },
    (call) => {
      if (!call.has(1)) return sorted(call, call.array(0), (a, b) => compareValues(a, b, call.frame.spend));
      const order = call.arrow(1);
      return sorted(call, call.array(0), (a, b) => {
        const answer = order(a, b);
        return typeof answer === "number" ? answer : call.fail("its arrow has to give a number, as in (a, b) => a - b");
      });
    },
  ),
  define(
    ["array"],
    "sortBy(array, arrowOrKey, order?)",
    {
      summary: 'By what the arrow gives or the key holds; `order` is `"asc"` or `"desc"`.',
      example: '[{ n: 2 }, { n: 1 }].sortBy("n")',
      result: '[{"n":1},{"n":2}]',
    },
    (call) => {
      const order = call.string(2, "asc");
      if (order !== "asc" && order !== "desc") call.fail('its order is "asc" or "desc"');
      const select = call.selector(1);
      const keyed = call.array(0).map((item, index) => ({ item, key: select(item, index) }));
      const sign = order === "asc" ? 1 : -1;
      return sorted(call, keyed, (a, b) => sign * compareValues(a.key, b.key, call.frame.spend)).map(
        ({ item }) => item,
      );
    },
  ),
  define(
    ["array", "string"],
    "reverse(value)",
    { summary: "An array or string from its end to its begin.", example: "[1, 2, 3].reverse()", result: "[3,2,1]" },
    (call) => {
      const value = call.value(0);
      if (isArray(value)) {
        call.frame.reserveItems(value.length);
        return value.toReversed();
      }
      const text = call.string(0);
      call.frame.reserveText(text.length * 16);
      return Array.from(text).reverse().join("");
    },
  ),
  define(
    ["array"],
    "groupBy(array, arrowOrKey)",
    {
      summary: "An object of arrays, by what the arrow gives or the key holds.",
      example: '[{ k: "a", n: 1 }, { k: "b", n: 2 }, { k: "a", n: 3 }].groupBy("k")',
      result: '{"a":[{"k":"a","n":1},{"k":"a","n":3}],"b":[{"k":"b","n":2}]}',
    },
    (call) => {
      const groups = new Map<string, Json[]>();
      for (const [key, item] of keyed(call)) {
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [item]);
        else group.push(item);
      }
      return objectOf(groups);
    },
  ),
  define(
    ["array"],
    "keyBy(array, arrowOrKey)",
    {
      summary: "An object of the items, by what the arrow gives or the key holds; the last of a key stays.",
      example: '[{ id: "a" }, { id: "b" }].keyBy("id")',
      result: '{"a":{"id":"a"},"b":{"id":"b"}}',
    },
    (call) => objectOf(new Map(keyed(call))),
  ),
  define(
    ["array"],
    "unique(array, arrowOrKey?)",
    {
      summary: "Without repeats, which are known by value or by a key.",
      example: "[1, 2, 1].unique()",
      result: "[1,2]",
    },
    (call) => {
      const select = call.has(1) ? call.selector(1) : (item: Json) => item;
      const seen = new Set<string>();
      call.frame.reserveItems(call.array(0).length);
      return call.array(0).filter((item, index) => {
        const mark = identity(select(item, index), call);
        return seen.size !== seen.add(mark).size;
      });
    },
  ),
];

/** A sorted copy; every comparison is paid for. */
function sorted<T>(call: Call, items: readonly T[], compare: (a: T, b: T) => number): T[] {
  call.frame.reserveItems(items.length);
  return items.toSorted((a, b) => {
    call.frame.spend(1);
    return compare(a, b);
  });
}

function keyed(call: Call): [string, Json][] {
  const select = call.selector(1);
  const items = call.array(0);
  call.frame.reserveItems(items.length);
  return items.map((item, index) => {
    const key = select(item, index);
    if (key !== null && typeof key === "object") call.fail("a key is a string, number, boolean or null");
    const text = String(key);
    call.frame.spendText(text.length);
    return [text, item];
  });
}

function objectOf(entries: ReadonlyMap<string, Json>): Json {
  const object: Record<string, Json> = {};
  for (const [key, value] of entries) put(object, key, value);
  return object;
}

/** Text that equal values share and others do not. */
function identity(value: Json, call: Call): string {
  if (value === null || typeof value !== "object") {
    if (typeof value === "string") call.frame.spendText(value.length);
    return `${typeof value}:${String(value)}`;
  }
  call.frame.spend(1 + Math.floor(jsonBytes(value, MAX_TEXT_UNITS) / 8));
  return JSON.stringify(sortKeys(value));
}

function sortKeys(value: Json): Json {
  if (isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return objectOf(new Map(entries.map(([key, item]) => [key, sortKeys(item)])));
}
