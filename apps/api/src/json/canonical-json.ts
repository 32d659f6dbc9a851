import { createHash } from "node:crypto";
import { type Json, isJsonObject } from "@keelson/contracts";

/** The same text for equal values, whatever the order of their keys and the spelling of their numbers. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical form. */
export function canonicalHash(value: Json): Buffer {
  return createHash("sha256").update(canonicalJson(value)).digest();
}
