// Slack: `X-Slack-Signature: v0=<hex>` over `v0:<X-Slack-Request-Timestamp>:<body>`; the key is the secret as text.

import { matchesHmac, utf8Keys, verdictOf } from "./digest.ts";
import { type SignatureVerdict, refuse } from "./refusal.ts";
import { requireHeader } from "./request-headers.ts";
import { refuseTimestamp } from "./timestamp.ts";
import type { SignedRequest } from "./signed-request.ts";

const SIGNATURE_HEADER = "x-slack-signature";
const TIMESTAMP_HEADER = "x-slack-request-timestamp";
const VERSION_PREFIX = "v0=";

export function verifySlack(request: SignedRequest): SignatureVerdict {
  const signature = requireHeader(request.headers, SIGNATURE_HEADER);
  if (!signature.ok) return signature;
  const timestamp = requireHeader(request.headers, TIMESTAMP_HEADER);
  if (!timestamp.ok) return timestamp;
  if (!signature.value.startsWith(VERSION_PREFIX)) {
    return refuse(
      "PREFIX_MISSING",
      `The "${SIGNATURE_HEADER}" header does not start with "${VERSION_PREFIX}".`,
      `Send the digest as "${VERSION_PREFIX}<hex>".`,
    );
  }
  const stale = refuseTimestamp(timestamp.value, request.nowMs);
  if (stale !== null) return stale;
  const matched = matchesHmac({
    keys: utf8Keys(request.secrets),
    content: [`v0:${timestamp.value}:`, request.rawBody],
    encoding: "hex",
    candidates: [signature.value.slice(VERSION_PREFIX.length)],
  });
  return verdictOf(matched, SIGNATURE_HEADER);
}
