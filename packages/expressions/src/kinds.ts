// The kinds of JSON values, and the narrow ways to look at them.
import { isJsonObject, type Json } from "@keelson/contracts";

export type Kind = "null" | "boolean" | "number" | "string" | "array" | "object";

export function kindOf(value: Json): Kind {
  if (value === null) return "null";
  if (isArray(value)) return "array";
  if (isJsonObject(value)) return "object";
  if (typeof value === "string") return "string";
  return typeof value === "number" ? "number" : "boolean";
}

/** A kind as part of a sentence. */
export function describeKind(value: Json): string {
  const kind = kindOf(value);
  if (kind === "null") return "null";
  return kind === "array" || kind === "object" ? `an ${kind}` : `a ${kind}`;
}

export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** JavaScript's truthiness: false, null, 0 and "" are false, all else is true. */
export function isTruthy(value: Json): boolean {
  return value !== null && value !== false && value !== 0 && value !== "" && !Number.isNaN(value);
}

/** Sets an own property, whatever its name: `__proto__` is data like any other. */
export function put(target: Record<string, Json>, key: string, value: Json): void {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[key] = value;
  }
}

/** The value of an own property, null without one. */
export function get(object: { readonly [key: string]: Json }, key: string): Json {
  return Object.hasOwn(object, key) ? (object[key] ?? null) : null;
}
