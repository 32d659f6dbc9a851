// A digest of the raw body in one header: what `github` and `shopify` fix, and `hmac` leaves to the tenant.
// No timestamp is signed, so that only the repeat key stands against a replay.

import type { KeyObject } from "node:crypto";
import { matchesHmac, verdictOf } from "./digest.ts";
import { type SignatureVerdict, refuse } from "./refusal.ts";
import { type RequestHeaders, requireHeader } from "./request-headers.ts";
import type { BodyDigestFormat } from "./signature-config.ts";

export const GITHUB_FORMAT: BodyDigestFormat = {
  header: "x-hub-signature-256",
  encoding: "hex",
  prefix: "sha256=",
  idHeader: "x-github-delivery",
};

export const SHOPIFY_FORMAT: BodyDigestFormat = {
  header: "x-shopify-hmac-sha256",
  encoding: "base64",
  idHeader: "x-shopify-webhook-id",
};

/** Hex digits are taken in either case, base64 only with its padding; a prefix must stand exactly as configured. */
export function verifyBodyDigest(
  format: BodyDigestFormat,
  request: { readonly rawBody: Uint8Array; readonly headers: RequestHeaders; readonly keys: readonly KeyObject[] },
): SignatureVerdict {
  const header = requireHeader(request.headers, format.header);
  if (!header.ok) return header;
  const prefix = format.prefix ?? "";
  if (!header.value.startsWith(prefix)) {
    return refuse(
      "PREFIX_MISSING",
      `The "${format.header}" header does not start with "${prefix}".`,
      `Send the digest as "${prefix}<${format.encoding}>".`,
    );
  }
  const written = header.value.slice(prefix.length);
  const candidate = format.encoding === "hex" ? written.toLowerCase() : written;
  const matched = matchesHmac({
    keys: request.keys,
    content: [request.rawBody],
    encoding: format.encoding,
    candidates: [candidate],
  });
  return verdictOf(matched, format.header);
}
