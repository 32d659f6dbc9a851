// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64>[ v1,<base64>…]` over
// `id.timestamp.body`. Svix sends the same as `svix-*`. `v1a` (Ed25519) counts only where a `whpk_` key is configured.

import { type KeyObject, verify as verifyWithKey } from "node:crypto";
import { MAX_CANDIDATES, type SignedContent, matchesHmac, readOnce, verdictOf } from "./digest.ts";
import { type SignatureVerdict, refuse } from "./refusal.ts";
import { type RequestHeaders, optionalHeader, repeatedHeader, requireHeader } from "./request-headers.ts";
import { type StandardSecret, decodeBase64, readStandardSecret } from "./standard-secret.ts";
import { refuseTimestamp } from "./timestamp.ts";
import type { SignedRequest } from "./signed-request.ts";

export function verifyStandard(request: SignedRequest): SignatureVerdict {
  const names = standardHeaderNames(request.headers);
  const id = requireHeader(request.headers, names.id);
  if (!id.ok) return id;
  const timestamp = requireHeader(request.headers, names.timestamp);
  if (!timestamp.ok) return timestamp;
  const signature = requireHeader(request.headers, names.signature);
  if (!signature.ok) return signature;
  // A dot in the id would let its end pass for the timestamp; a space is what a joined, repeated header has.
  if (!/^[\x21-\x2d\x2f-\x7e]+$/.test(id.value)) {
    return refuse("HEADER_MALFORMED", `The "${names.id}" header has a dot, a space or a non-ASCII character.`, ID_HINT);
  }
  const stale = refuseTimestamp(timestamp.value, request.nowMs);
  if (stale !== null) return stale;
  if (/,\s/.test(signature.value)) return repeatedHeader(names.signature);
  const secrets = standardSecrets(request.secrets);
  if (secrets.every((secret) => secret.kind === "unusable")) return unusableSecrets();
  const content = [`${id.value}.${timestamp.value}.`, request.rawBody];
  const tokens = signature.value.split(" ");
  const matched = matchesV1(secrets, content, tokens) || matchesV1a(secrets, content, tokens);
  if (!matched && !tokens.some((token) => /^v1a?,./.test(token))) {
    return refuse("PREFIX_MISSING", `The "${names.signature}" header has no "v1," signature.`, SIGNATURE_HINT);
  }
  return verdictOf(matched, names.signature);
}

const standardSecrets = readOnce(readStandardSecret);
const ID_HINT = "Send an id of visible ASCII characters without a dot, once.";
const SIGNATURE_HINT = `Send each signature as "v1,<base64>", several of them parted by spaces.`;

/** Svix's names where only they carry a signature; never a mixture of both sets. */
export function standardHeaderNames(headers: RequestHeaders): { id: string; timestamp: string; signature: string } {
  const svix = optionalHeader(headers, "svix-signature") !== null;
  const standard = optionalHeader(headers, "webhook-signature") !== null;
  const family = svix && !standard ? "svix" : "webhook";
  return { id: `${family}-id`, timestamp: `${family}-timestamp`, signature: `${family}-signature` };
}

function matchesV1(secrets: readonly StandardSecret[], content: SignedContent, tokens: readonly string[]): boolean {
  const keys = secrets.flatMap((secret) => (secret.kind === "hmac" ? [secret.key] : []));
  return matchesHmac({ keys, content, encoding: "base64", candidates: valuesOf(tokens, "v1,") });
}

function matchesV1a(secrets: readonly StandardSecret[], content: SignedContent, tokens: readonly string[]): boolean {
  const keys = secrets.flatMap((secret): KeyObject[] => (secret.kind === "ed25519" ? [secret.key] : []));
  const signatures = valuesOf(tokens, "v1a,").slice(0, MAX_CANDIDATES).map(decodeBase64);
  if (keys.length === 0) return false;
  const signed = Buffer.concat(content.map((part) => Buffer.from(part)));
  return keys.some((key) =>
    signatures.some((signature) => signature !== null && verifyWithKey(null, signed, key, signature)),
  );
}

function valuesOf(tokens: readonly string[], version: string): readonly string[] {
  return tokens.filter((token) => token.startsWith(version)).map((token) => token.slice(version.length));
}

function unusableSecrets(): SignatureVerdict {
  return refuse(
    "SECRET_UNUSABLE",
    "None of the trigger's secrets can be read as a Standard Webhooks secret.",
    `Store the secret exactly as the producer shows it: "whsec_" and base64 of at most 64 bytes, without spaces around it.`,
  );
}
