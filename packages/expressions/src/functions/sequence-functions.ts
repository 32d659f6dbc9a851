// Functions that strings and arrays have in common.
import type { Json } from "@keelson/contracts";
import { isArray } from "../kinds.ts";
import { textOf, isEqual } from "../values.ts";
import { MAX_TEXT_UNITS } from "../frame.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

export const SEQUENCE_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["string", "array"],
    "length(value)",
    {
      summary: "How many items or UTF-16 units; a property as well: `x.length`.",
      example: '"abc".length',
      result: "3",
    },
    (call) => sequence(call).length,
  ),
  define(
    ["string", "array"],
    "at(value, index)",
    {
      summary: "The item or character there, counted from the end below 0; null outside.",
      example: "[1, 2].at(-1)",
      result: "2",
    },
    (call) => sequence(call).at(call.integer(1)) ?? null,
  ),
  define(
    ["string", "array"],
    "first(value)",
    { summary: "The first item or character, null of an empty one.", example: "[1, 2].first()", result: "1" },
    (call) => sequence(call).at(0) ?? null,
  ),
  define(
    ["string", "array"],
    "last(value)",
    { summary: "The last item or character, null of an empty one.", example: "[1, 2].last()", result: "2" },
    (call) => sequence(call).at(-1) ?? null,
  ),
  define(
    ["string", "array"],
    "slice(value, start?, end?)",
    {
      summary: "From `start` to before `end`, counted from the end below 0.",
      example: "[1, 2, 3].slice(-2)",
      result: "[2,3]",
    },
    (call) => {
      const value = sequence(call);
      const [start, end] = [call.integer(1, 0), call.integer(2, value.length)];
      const units = Math.max(0, fromEnd(end, value.length) - fromEnd(start, value.length));
      if (typeof value === "string") {
        call.frame.spendText(units);
        return value.slice(start, end);
      }
      call.frame.spend(units);
      return value.slice(start, end);
    },
  ),
  define(
    ["string", "array"],
    "concat(value, others…)",
    {
      summary: "Strings joined; or arrays, and values that are none, one behind the other.",
      example: "[1].concat([2, 3], 4)",
      result: "[1,2,3,4]",
    },
    concat,
  ),
  define(
    ["string", "array"],
    "includes(value, part)",
    {
      summary: "Whether an item equals `part`, or the string holds it.",
      example: '"abc".includes("b")',
      result: "true",
    },
    (call) => indexOf(call) >= 0,
  ),
  define(
    ["string", "array"],
    "indexOf(value, part)",
    { summary: "Where it is first, -1 if nowhere.", example: "[{ a: 1 }, { a: 2 }].indexOf({ a: 2 })", result: "1" },
    indexOf,
  ),
  define(
    ["string", "array"],
    "lastIndexOf(value, part)",
    { summary: "Where it is last, -1 if nowhere.", example: '"a-b-c".lastIndexOf("-")', result: "3" },
    (call) => {
      const value = sequence(call);
      if (typeof value !== "string") return value.findLastIndex((item) => equals(call, item));
      const part = call.string(1);
      // Backwards, the host compares place by place.
      call.frame.spend(1 + Math.floor((value.length * (1 + part.length)) / 64));
      return value.lastIndexOf(part);
    },
  ),
  define(
    ["array"],
    "join(array, separator?)",
    {
      summary: "The items as text, with `,` or the separator between.",
      example: '["a", 1, null].join("-")',
      result: '"a-1-"',
    },
    (call) => {
      const separator = call.string(1, ",");
      let units = 0;
      const texts = call.array(0).map((item) => {
        const text = textOf(item, MAX_TEXT_UNITS);
        call.frame.spendText(text.length);
        units += text.length + separator.length;
        return text;
      });
      call.frame.reserveText(Math.max(0, units - separator.length));
      return texts.join(separator);
    },
  ),
];

function sequence(call: Call): string | readonly Json[] {
  const value = call.value(0);
  return isArray(value) ? value : call.string(0);
}

/** The place that an index stands for, counted from the end below 0. */
function fromEnd(index: number, length: number): number {
  return index < 0 ? Math.max(0, length + index) : Math.min(index, length);
}

function indexOf(call: Call): number {
  const value = sequence(call);
  if (typeof value !== "string") return value.findIndex((item) => equals(call, item));
  const part = call.string(1);
  call.frame.spendSearch(value.length, part.length);
  return value.indexOf(part);
}

function equals(call: Call, item: Json): boolean {
  call.frame.spend(1);
  return isEqual(item, call.value(1), call.frame.spend);
}

function concat(call: Call): Json {
  const value = sequence(call);
  if (typeof value === "string") {
    const parts = call.rest(1).map((_, index) => call.scalar(index + 1));
    call.frame.reserveText(parts.reduce((units, part) => units + part.length, value.length));
    return value.concat(...parts);
  }
  const others = call.rest(1);
  call.frame.reserveItems(
    others.reduce((count: number, other) => count + (isArray(other) ? other.length : 1), value.length),
  );
  const joined = [...value];
  for (const other of others) {
    if (isArray(other)) for (const item of other) joined.push(item);
    else joined.push(other);
  }
  return joined;
}
