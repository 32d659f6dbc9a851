// Sizes of values and texts in bytes of UTF-8, reckoned without building anything.
import { LIMITS, type Json } from "@keelson/contracts";
import { Failure } from "./errors.ts";
import { isArray } from "./kinds.ts";

/** Bytes of `text` in UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x80) continue;
    // Both halves of a pair take two of its four bytes each.
    bytes += code < 0x800 || isPaired(text, at, code) ? 1 : 2;
  }
  return bytes;
}

/**
 * Bytes of the value as JSON. Stops as soon as it passes `limit`, so that what shares its parts a million times costs no
 * more than what is allowed.
 * @throws Failure TOO_LARGE over the limit or nested too deep, EXPRESSION_FAILED at a number that is not finite
 */
export function jsonBytes(value: Json, limit: number): number {
  const bytes = measure(value, limit, 0);
  if (bytes > limit) throw tooLarge();
  return bytes;
}

function measure(value: Json, left: number, depth: number): number {
  if (typeof value === "string") return jsonTextBytes(value, left);
  if (typeof value === "number") return numberBytes(value);
  if (typeof value === "boolean") return value ? 4 : 5;
  if (value === null) return 4;
  if (depth >= LIMITS.jsonDepth)
    throw new Failure(`The value is nested more than ${LIMITS.jsonDepth} deep.`, "TOO_LARGE");
  let bytes = 2;
  if (isArray(value)) {
    for (const item of value) {
      bytes += 1 + measure(item, left - bytes, depth + 1);
      if (bytes > left) throw tooLarge();
    }
    return value.length === 0 ? bytes : bytes - 1;
  }
  for (const key of Object.keys(value)) {
    bytes += 2 + jsonTextBytes(key, left - bytes);
    bytes += measure(value[key] ?? null, left - bytes, depth + 1);
    if (bytes > left) throw tooLarge();
  }
  return bytes === 2 ? bytes : bytes - 1;
}

function jsonTextBytes(text: string, left: number): number {
  if (text.length > left) throw tooLarge();
  let bytes = text.length + 2;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 && code < 0x80 && code !== 0x22 && code !== 0x5c) continue;
    if (code < 0x20) bytes += SHORT_ESCAPES.has(code) ? 1 : 5;
    else if (code < 0x800 || isPaired(text, at, code)) bytes += 1;
    else if (code >= 0xd800 && code <= 0xdfff) bytes += 5;
    else bytes += 2;
  }
  return bytes;
}

const SHORT_ESCAPES: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

function numberBytes(value: number): number {
  if (!Number.isFinite(value)) throw new Failure("A number of the value is not finite, so it is not JSON.");
  return Number.isInteger(value) && value >= 0 && value < 10 ? 1 : String(value).length;
}

function isPaired(text: string, at: number, code: number): boolean {
  if (code >= 0xd800 && code <= 0xdbff) {
    const next = text.charCodeAt(at + 1);
    return next >= 0xdc00 && next <= 0xdfff;
  }
  if (code < 0xdc00 || code > 0xdfff) return false;
  const before = text.charCodeAt(at - 1);
  return before >= 0xd800 && before <= 0xdbff;
}

function tooLarge(): Failure {
  return new Failure("The result is larger than an evaluation may make: return less of it.", "TOO_LARGE");
}
