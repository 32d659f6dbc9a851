// Secrets of Standard Webhooks: `whsec_` and base64 of up to 64 bytes (HMAC), or `whpk_` and base64 of an Ed25519 public key.
// The lower bound of 24 bytes that the specification asks for belongs to the making of a secret: imported ones are shorter.

import { type KeyObject, createPublicKey, createSecretKey } from "node:crypto";

const MAX_KEY_BYTES = 64;
const ED25519_KEY_BYTES = 32;

export type StandardSecret =
  | { readonly kind: "hmac"; readonly key: KeyObject }
  | { readonly kind: "ed25519"; readonly key: KeyObject }
  | { readonly kind: "unusable" };

/** Reads a configured secret; base64 without `whsec_` is taken too, as the published libraries do. */
export function readStandardSecret(secret: string): StandardSecret {
  if (secret.startsWith("whpk_")) return readPublicKey(secret.slice("whpk_".length));
  const bytes = decodeBase64(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret);
  if (bytes === null || bytes.length > MAX_KEY_BYTES) return { kind: "unusable" };
  return { kind: "hmac", key: createSecretKey(bytes) };
}

/** Strict base64 with its padding; null for anything else, the empty text included. */
export function decodeBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, "base64");
  return bytes.length > 0 && bytes.toString("base64") === text ? bytes : null;
}

function readPublicKey(encoded: string): StandardSecret {
  const bytes = decodeBase64(encoded);
  if (bytes === null || bytes.length !== ED25519_KEY_BYTES) return { kind: "unusable" };
  const jwk = { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") };
  return { kind: "ed25519", key: createPublicKey({ key: jwk, format: "jwk" }) };
}
