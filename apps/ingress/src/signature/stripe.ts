// Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…][,v0=…]` over `t.body`.
// The key is the whole secret as text: unlike Standard Webhooks, what follows `whsec_` is not base64.

import { matchesHmac, utf8Keys, verdictOf } from "./digest.ts";
import { type SignatureVerdict, refuse } from "./refusal.ts";
import { repeatedHeader, requireHeader } from "./request-headers.ts";
import { refuseTimestamp } from "./timestamp.ts";
import type { SignedRequest } from "./signed-request.ts";

const HEADER = "stripe-signature";

export function verifyStripe(request: SignedRequest): SignatureVerdict {
  const header = requireHeader(request.headers, HEADER);
  if (!header.ok) return header;
  const parts = header.value.split(",");
  const timestamps = valuesOf(parts, "t=");
  const candidates = valuesOf(parts, "v1=");
  const timestamp = timestamps[0];
  if (timestamps.length > 1) return repeatedHeader(HEADER);
  if (timestamp === undefined || candidates.length === 0) {
    return refuse(
      "HEADER_MALFORMED",
      `The "${HEADER}" header lacks its "t=" or any "v1=" part.`,
      `Send it as "t=<seconds>,v1=<hex>"; other versions are not accepted.`,
    );
  }
  const stale = refuseTimestamp(timestamp, request.nowMs);
  if (stale !== null) return stale;
  const matched = matchesHmac({
    keys: utf8Keys(request.secrets),
    content: [`${timestamp}.`, request.rawBody],
    encoding: "hex",
    candidates,
  });
  return verdictOf(matched, HEADER);
}

function valuesOf(parts: readonly string[], name: string): readonly string[] {
  return parts
    .map((part) => part.trim())
    .filter((part) => part.startsWith(name))
    .map((part) => part.slice(name.length));
}
