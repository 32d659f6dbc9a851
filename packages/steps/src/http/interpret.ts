// What an answer's bytes mean: JSON, text or base64, as the step asks or the content type says. Pure.
import { isUtf8 } from "node:buffer";
import { assertNever, LIMITS, type Json } from "@keelson/contracts";
import { storableText } from "@keelson/engine";
import { isDeeperThan, storableJson } from "../storable.ts";
import type { ResponseMode } from "./attempt.ts";

/** The output's own object is one level more. */
export const DEEPEST_BODY = LIMITS.jsonDepth - 1;

export type Interpretation =
  | { readonly kind: "read"; readonly body: Json }
  /** `response: "json"`, and it is none. */
  | { readonly kind: "notJson" }
  | { readonly kind: "tooDeep" };

/**
 * An empty body is null. `auto` takes JSON types as JSON (text, if it does not parse), other textual types as text, as
 * well as what has no type and is UTF-8, all else as base64. The value is fit for storage.
 */
export function interpretBody(bytes: Buffer, contentType: string | null, mode: ResponseMode): Interpretation {
  if (bytes.length === 0) return { kind: "read", body: null };
  const type = mediaTypeOf(contentType);
  switch (mode) {
    case "base64":
      return { kind: "read", body: bytes.toString("base64") };
    case "text":
      return { kind: "read", body: decodeText(bytes, contentType) };
    case "json":
      return parseJson(bytes) ?? { kind: "notJson" };
    case "auto":
      if (isJsonType(type)) return parseJson(bytes) ?? { kind: "read", body: decodeText(bytes, null) };
      return { kind: "read", body: isText(type, bytes) ? decodeText(bytes, contentType) : bytes.toString("base64") };
    default:
      return assertNever(mode);
  }
}

/** The first `limit` bytes of an answer as text to show, whatever was made of it: base64 where it is not text. */
export function excerptOf(bytes: Buffer, limit: number, contentType: string | null, mode: ResponseMode): string {
  const type = mediaTypeOf(contentType);
  const isShownAsText = mode === "text" || mode === "json" || isJsonType(type) || isText(type, bytes);
  const start = bytes.subarray(0, limit);
  return isShownAsText ? decodeText(start, isJsonType(type) ? null : contentType) : start.toString("base64");
}

function parseJson(bytes: Buffer): Interpretation | null {
  const text = new TextDecoder().decode(bytes);
  if (isDeeperThan(text, DEEPEST_BODY)) return { kind: "tooDeep" };
  try {
    return { kind: "read", body: storableJson(JSON.parse(text) as Json) };
  } catch {
    return null;
  }
}

/** Drops a byte order mark; what is not of its charset becomes U+FFFD; an unknown charset is taken as UTF-8. */
function decodeText(bytes: Buffer, contentType: string | null): string {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  return storableText(decode(bytes, charset));
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

function mediaTypeOf(contentType: string | null): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function isJsonType(type: string): boolean {
  return type === "application/json" || type === "text/json" || type.endsWith("+json");
}

const TEXT_TYPE =
  /^text\/|\+xml$|^application\/(?:xml|javascript|ecmascript|graphql|sql|x-www-form-urlencoded|x-ndjson|ndjson|jsonl|json-seq|yaml|x-yaml|toml)$/;

function isText(type: string, bytes: Buffer): boolean {
  return type === "" ? isUtf8Text(bytes) : TEXT_TYPE.test(type);
}

function isUtf8Text(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(0);
}
