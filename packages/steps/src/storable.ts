// Makes what a target answered fit for PostgreSQL's JSONB, so that no answer can become a step that never commits. Pure.
import { isJsonObject, type Json } from "@keelson/contracts";
import { storableText } from "@keelson/engine";

/** Cleans all strings and keys; a number beyond the range of doubles (`1e400`) becomes null, -0 becomes 0. */
export function storableJson(value: Json): Json {
  if (typeof value === "string") return storableText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null;
  if (Array.isArray(value)) return value.map(storableJson);
  if (!isJsonObject(value)) return value;
  // fromEntries defines own properties, `__proto__` as well; an assignment would set the prototype.
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [storableText(key), storableJson(member)]));
}

/** Whether JSON text nests deeper than `depth`, found without parsing it; text that is no JSON gives some answer. */
export function isDeeperThan(text: string, depth: number): boolean {
  let open = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (inString) {
      if (char === BACKSLASH) i++;
      else if (char === QUOTE) inString = false;
    } else if (char === QUOTE) {
      inString = true;
    } else if (char === OPEN_BRACE || char === OPEN_BRACKET) {
      if (++open > depth) return true;
    } else if (char === CLOSE_BRACE || char === CLOSE_BRACKET) {
      open--;
    }
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
