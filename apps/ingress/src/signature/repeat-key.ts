// What makes a delivery a repeat of an earlier one of the same hook.

import { createHash } from "node:crypto";
import { assertNever, isJsonObject } from "@keelson/contracts";
import { GITHUB_FORMAT, SHOPIFY_FORMAT } from "./body-digest.ts";
import { type RequestHeaders, optionalHeader } from "./request-headers.ts";
import type { SignatureConfig } from "./signature-config.ts";
import { standardHeaderNames } from "./standard.ts";

/**
 * The key of a delivery whose signature has been verified, or null where it has none and so is never a repeat.
 * `parsedBody` is needed by `stripe` (`id`) and `slack` (`event_id`) alone. Of 1 to 256 visible ASCII characters: a longer
 * or stranger key is replaced by its SHA-256, so that it always fits an index of PostgreSQL.
 */
export function repeatKeyOf(config: SignatureConfig, headers: RequestHeaders, parsedBody: unknown): string | null {
  switch (config.scheme) {
    case undefined:
    case "standard":
      return storable(optionalHeader(headers, standardHeaderNames(headers).id));
    case "github":
      return fromHeader(headers, GITHUB_FORMAT.idHeader);
    case "shopify":
      return fromHeader(headers, SHOPIFY_FORMAT.idHeader);
    case "hmac":
      return fromHeader(headers, config.idHeader);
    case "stripe":
      return fromBody(parsedBody, "id");
    case "slack":
      return fromBody(parsedBody, "event_id");
    case "none":
      return null;
    default:
      return assertNever(config);
  }
}

function fromHeader(headers: RequestHeaders, name: string | undefined): string | null {
  return name === undefined ? null : storable(optionalHeader(headers, name));
}

function fromBody(body: unknown, field: string): string | null {
  if (!isJsonObject(body) || !Object.hasOwn(body, field)) return null;
  const value = body[field];
  return typeof value === "string" ? storable(value) : null;
}

function storable(key: string | null): string | null {
  if (key === null || key === "") return null;
  if (/^[\x21-\x7e]{1,256}$/.test(key)) return key;
  // JSON keeps lone surrogates apart, which UTF-8 would not.
  return `sha256:${createHash("sha256").update(JSON.stringify(key)).digest("hex")}`;
}
