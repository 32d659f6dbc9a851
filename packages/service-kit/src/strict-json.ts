import { type Json, LIMITS } from "@keelson/contracts";
import { findJsonFault } from "./json-scan.ts";

/** Keys that a careless merge would take for more than data. */
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor"]);

export type StrictJson =
  | { readonly ok: true; readonly value: Json }
  /** `problem`: one sentence with line and column, fit for the sender. */
  | { readonly ok: false; readonly problem: string };

/**
 * Parses JSON as it may be stored: UTF-8 (a byte order mark is skipped), at most `LIMITS.jsonDepth` deep, every key once in
 * its object, no NUL, no lone surrogate, no infinite number. `forbiddenKeys` defaults to `__proto__` and `constructor`.
 */
export function parseStrictJson(
  bytes: Uint8Array,
  options: { readonly forbiddenKeys?: ReadonlySet<string> } = {},
): StrictJson {
  const text = decodeUtf8(bytes);
  if (text === null) return { ok: false, problem: "The body is not UTF-8." };
  const fault = findJsonFault(text, {
    maxDepth: LIMITS.jsonDepth,
    forbiddenKeys: options.forbiddenKeys ?? FORBIDDEN_KEYS,
  });
  if (fault !== null) return { ok: false, problem: `${fault.message} (${positionOf(text, fault.index)})` };
  const value: Json = JSON.parse(text);
  return { ok: true, value };
}

/** The text of the bytes without a byte order mark, or null where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function positionOf(text: string, index: number): string {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf("\n") + 1;
  return `line ${before.split("\n").length}, column ${index - lineStart + 1}`;
}
