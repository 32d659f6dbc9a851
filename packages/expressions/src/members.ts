// Properties and indexes. What is not the value's own data is never touched: no name leads to a prototype.
import { isJsonObject, type Json } from "@keelson/contracts";
import { Failure } from "./errors.ts";
import { describeKind, get, isArray } from "./kinds.ts";

const INDEX = /^(?:0|[1-9]\d{0,9})$/;

/**
 * `value.name`, where `place()` says how the source writes `value`.
 * @throws Failure for a property of null, and for one that strings, arrays, numbers and booleans do not have
 */
export function readProperty(value: Json, name: string, place: () => string): Json {
  if (isArray(value) || typeof value === "string") {
    if (name === "length") return value.length;
  } else if (isJsonObject(value)) {
    return get(value, name);
  }
  throw noProperty(value, `"${name.slice(0, 60)}"`, place());
}

/** `value[key]`. @throws Failure as `readProperty`, and for a key that is neither string nor number */
export function readIndex(value: Json, key: Json, place: () => string): Json {
  if (value === null) throw noProperty(value, "what stands in [ ]", place());
  if (typeof key !== "string" && typeof key !== "number") {
    throw new Failure(`An index is a string or a number, not ${describeKind(key)}.`);
  }
  if (isJsonObject(value)) return get(value, String(key));
  if (isArray(value) || typeof value === "string") {
    const index = arrayIndex(key);
    if (index !== undefined) return value[index] ?? null;
    if (typeof key === "number") return null;
    if (key === "length") return value.length;
  }
  throw noProperty(value, "what stands in [ ]", place());
}

/** The index that a number or a decimal string stands for. */
export function arrayIndex(key: string | number): number | undefined {
  const index = typeof key === "number" ? key : INDEX.test(key) ? Number(key) : -1;
  return Number.isInteger(index) && index >= 0 ? index : undefined;
}

export function noProperty(value: Json, what: string, place: string): Failure {
  if (value === null) return new Failure(`${place} is null, so ${what} cannot be read of it: write ?. to get null.`);
  return new Failure(`${place} is ${describeKind(value)}, which has no property ${what}.`);
}
