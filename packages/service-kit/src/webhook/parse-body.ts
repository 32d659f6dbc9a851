// A webhook's body as the input of an execution. Whatever parses can be stored as JSON: UTF-8, no NUL, no half of a
// surrogate pair, no key that is more than data, bounded depth.

import { assertNever } from "@keelson/contracts";
import { isJsonType, isUtf8Charset, parseMediaType } from "../media-type.ts";
import { decodeUtf8, parseStrictJson } from "../strict-json.ts";
import { parseForm } from "./parse-form.ts";
import { FORBIDDEN_KEYS, type ParsedBody } from "./parsed-body.ts";

export type BodyType = "json" | "form" | "text";

/** How a body of this content type is parsed; null: not at all, for its type or its charset. */
export function bodyTypeOf(contentType: string | undefined): BodyType | null {
  const { type, charset } = parseMediaType(contentType ?? "");
  if (!isUtf8Charset(charset)) return null;
  if (isJsonType(type)) return "json";
  if (type === "application/x-www-form-urlencoded") return "form";
  return /^text\/[^\s/]+$/.test(type) ? "text" : null;
}

export function parseBody(type: BodyType, bytes: Uint8Array): ParsedBody {
  switch (type) {
    case "json":
      return parseStrictJson(bytes, { forbiddenKeys: FORBIDDEN_KEYS });
    case "form":
      return parseForm(bytes);
    case "text":
      return parseText(bytes);
    default:
      return assertNever(type);
  }
}

function parseText(bytes: Uint8Array): ParsedBody {
  const value = decodeUtf8(bytes);
  if (value === null) return { ok: false, problem: "The body is not UTF-8." };
  if (value.includes("\u0000")) return { ok: false, problem: "The body contains NUL, which cannot be stored." };
  return { ok: true, value };
}
