import { type KeyObject, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { type SignatureVerdict, refuse } from "./refusal.ts";

/** What is signed, in order: text as UTF-8, bytes as they are. */
export type SignedContent = readonly (string | Uint8Array)[];

/** Signatures looked at in one request: a rotation needs two, and each costs a comparison. */
export const MAX_CANDIDATES = 10;

/**
 * True if one of the candidates is the HMAC-SHA-256 of the content under one of the keys, in exactly this encoding.
 * All pairs are compared whatever the result, each in constant time; only the first `MAX_CANDIDATES` are looked at.
 */
export function matchesHmac(options: {
  readonly keys: readonly KeyObject[];
  readonly content: SignedContent;
  readonly encoding: "hex" | "base64";
  readonly candidates: readonly string[];
}): boolean {
  const candidates = options.candidates.slice(0, MAX_CANDIDATES);
  let matched = false;
  for (const key of options.keys) {
    const hmac = createHmac("sha256", key);
    for (const part of options.content) hmac.update(part);
    const expected = hmac.digest(options.encoding);
    for (const candidate of candidates) matched = equalInConstantTime(candidate, expected) || matched;
  }
  return matched;
}

/** The keys of all schemes but `standard`: a secret's own text as UTF-8, prefix included. */
export const utf8Keys = readOnce((secret) => createSecretKey(secret, "utf8"));

/** Reads a hook's secrets once for as long as they are held: to make a key costs more than to sign with it. */
export function readOnce<T>(read: (secret: string) => T): (secrets: readonly string[]) => readonly T[] {
  const known = new WeakMap<readonly string[], readonly T[]>();
  return (secrets) => {
    const before = known.get(secrets);
    if (before !== undefined) return before;
    const readNow = secrets.map(read);
    known.set(secrets, readNow);
    return readNow;
  };
}

export function verdictOf(matched: boolean, header: string): SignatureVerdict {
  if (matched) return { ok: true };
  return refuse(
    "SIGNATURE_MISMATCH",
    `No signature in "${header}" fits the body under any of the trigger's secrets.`,
    "Compare the secret here with the producer's, and check that nothing in between rewrites the body.",
  );
}

function equalInConstantTime(candidate: string, expected: string): boolean {
  const a = Buffer.from(candidate, "utf8");
  const b = Buffer.from(expected, "utf8");
  return a.length === b.length && timingSafeEqual(a, b);
}
