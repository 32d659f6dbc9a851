// application/x-www-form-urlencoded, as the URL standard has it, but strict: what is not UTF-8 is refused, not replaced.

import { decodeUtf8 } from "../strict-json.ts";
import { FORBIDDEN_KEYS, type ParsedBody } from "./parsed-body.ts";

/** An object of strings; a name that occurs more than once has an array of them, in their order. */
export function parseForm(bytes: Uint8Array): ParsedBody {
  const fields = new Map<string, string[]>();
  // Byte by byte as characters: a byte that is not ASCII may be part of a character that is escaped in part.
  for (const pair of Buffer.from(bytes).toString("latin1").split("&")) {
    if (pair === "") continue;
    const equalsAt = pair.indexOf("=");
    const name = decode(equalsAt < 0 ? pair : pair.slice(0, equalsAt));
    const value = decode(equalsAt < 0 ? "" : pair.slice(equalsAt + 1));
    if (name === null || value === null) return { ok: false, problem: "A field of the form is not UTF-8." };
    if (name.includes("\u0000") || value.includes("\u0000")) {
      return { ok: false, problem: "A field of the form contains NUL, which cannot be stored." };
    }
    if (FORBIDDEN_KEYS.has(name)) return { ok: false, problem: `The field "${name}" is not allowed.` };
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return { ok: true, value: objectOfFields(fields) };
}

/** The only value of a name as it is, several as an array. */
export function objectOfFields(
  fields: Iterable<readonly [string, readonly string[]]>,
): Readonly<Record<string, string | readonly string[]>> {
  const entries = Array.from(fields, ([name, values]): [string, string | readonly string[]] => [
    name,
    values.length === 1 && values[0] !== undefined ? values[0] : values,
  ]);
  return Object.fromEntries(entries);
}

function decode(text: string): string | null {
  const unescaped = text
    .replaceAll("+", " ")
    .replaceAll(/%([0-9a-fA-F]{2})/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decodeUtf8(Buffer.from(unescaped, "latin1"));
}
