// Functions of objects.
import type { Json } from "@keelson/contracts";
import { get, isArray, put } from "../kinds.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

export const OBJECT_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    ["object"],
    "keys(object)",
    { summary: "Its keys.", example: "keys({ a: 1, b: 2 })", result: '["a","b"]' },
    (call) => keysOf(call, 0),
  ),
  define(
    ["object"],
    "values(object)",
    { summary: "Its values.", example: "values({ a: 1, b: 2 })", result: "[1,2]" },
    (call) => keysOf(call, 0).map((key) => get(call.object(0), key)),
  ),
  define(
    ["object"],
    "entries(object)",
    { summary: "Its pairs of key and value.", example: "entries({ a: 1 })", result: '[["a",1]]' },
    (call) => keysOf(call, 0).map((key) => [key, get(call.object(0), key)]),
  ),
  define(
    ["array"],
    "fromEntries(array)",
    { summary: "An object of pairs of key and value.", example: 'fromEntries([["a", 1]])', result: '{"a":1}' },
    (call) => {
      const object: Record<string, Json> = {};
      call.frame.reserveItems(call.array(0).length);
      for (const entry of call.array(0)) {
        const [key, value] = isArray(entry) ? entry : [];
        if (typeof key !== "string" && typeof key !== "number") return call.fail("an entry is a pair [key, value]");
        call.frame.spendText(String(key).length);
        put(object, String(key), value ?? null);
      }
      return object;
    },
  ),
  define(
    ["object"],
    "merge(object, others…)",
    {
      summary: "All keys of all; the last one's value stays; null counts as {}.",
      example: "merge({ a: 1 }, { b: 2 })",
      result: '{"a":1,"b":2}',
    },
    (call) => {
      const object: Record<string, Json> = {};
      for (const [index, part] of call.rest(0).entries()) {
        if (part === null) continue;
        for (const key of keysOf(call, index)) put(object, key, get(call.object(index), key));
      }
      return object;
    },
  ),
  define(
    ["object"],
    "pick(object, keys…)",
    { summary: "Only these keys, also given as an array.", example: 'pick({ a: 1, b: 2 }, "a")', result: '{"a":1}' },
    (call) => {
      const [object, wanted] = [call.object(0), chosenKeys(call)];
      return collect(
        keysOf(call, 0).filter((key) => wanted.has(key)),
        (key) => get(object, key),
      );
    },
  ),
  define(
    ["object"],
    "omit(object, keys…)",
    { summary: "Without these keys, also given as an array.", example: 'omit({ a: 1, b: 2 }, "a")', result: '{"b":2}' },
    (call) => {
      const [object, unwanted] = [call.object(0), chosenKeys(call)];
      return collect(
        keysOf(call, 0).filter((key) => !unwanted.has(key)),
        (key) => get(object, key),
      );
    },
  ),
  define(
    ["object"],
    "mapValues(object, arrow)",
    {
      summary: "What the arrow `(value, key) => …` makes of each value.",
      example: "{ a: 1 }.mapValues(n => n + 1)",
      result: '{"a":2}',
    },
    (call) => {
      const [object, arrow] = [call.object(0), call.arrow(1)];
      return collect(keysOf(call, 0), (key) => arrow(get(object, key), key));
    },
  ),
];

function keysOf(call: Call, index: number): string[] {
  const keys = Object.keys(call.object(index));
  // Reading the keys of a wide object takes as long as what is then done with them.
  call.frame.reserveItems(keys.length);
  call.frame.spend(keys.length);
  return keys;
}

function chosenKeys(call: Call): ReadonlySet<string> {
  const second = call.value(1);
  const keys = isArray(second) && !call.has(2) ? second : call.rest(1);
  call.frame.reserveItems(keys.length);
  return new Set(
    keys.map((key) => {
      if (typeof key !== "string") return call.fail("keys are strings");
      call.frame.spendText(key.length);
      return key;
    }),
  );
}

function collect(keys: readonly string[], valueOf: (key: string) => Json): Json {
  const object: Record<string, Json> = {};
  for (const key of keys) put(object, key, valueOf(key));
  return object;
}
