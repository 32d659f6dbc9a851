// The one choke point for what tenants' templates and targets yield: what passes it can be stored,
// so that no value can become a step that never commits.
import { LIMITS, type Json } from "@keelson/contracts";

export type Storable = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly why: string };

/** Replaces NUL and lone surrogates by U+FFFD; refuses what is nested too deeply or larger than a step's output may be. */
export function makeStorable(value: Json, maxBytes: number = LIMITS.stepOutputBytes): Storable {
  if (depthExceeds(value, LIMITS.jsonDepth))
    return { ok: false, why: `it is nested more than ${LIMITS.jsonDepth} levels deep` };
  const text = JSON.stringify(value) ?? "null";
  if (text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)) {
    return { ok: false, why: `it has more than ${maxBytes} bytes as JSON` };
  }
  return { ok: true, value: /\\u0000|\\ud[89a-f]/i.test(text) ? clean(value) : value };
}

/** NUL and lone surrogates cannot be stored: each becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}

function clean(value: Json): Json {
  if (typeof value === "string") return storableText(value);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(clean);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [storableText(key), clean(inner)]));
}

function depthExceeds(value: Json, left: number): boolean {
  if (value === null || typeof value !== "object") return false;
  if (left === 0) return true;
  return Object.values(value).some((inner) => depthExceeds(inner, left - 1));
}
