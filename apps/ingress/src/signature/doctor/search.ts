// Tries to explain a signature: under which secret, used how, over what was it made? Each try changes one thing, or two that
// go together; likely ones come first. What is found is told to the tenant alone, long after the request was refused.
//  S1. At most MAX_TRIES digests over at most MAX_HASHED_BYTES in all, whatever is sent and however many secrets there are.

import { createHmac } from "node:crypto";
import { readStandardSecret } from "../standard-secret.ts";
import { type BodyForm, bodyForms } from "./body-forms.ts";
import type { Digest, Evidence } from "./evidence.ts";
import { type Construction, type Expectation, type KeyForm, keyFormOf } from "./expectation.ts";

export interface KnownSecret {
  readonly name: string;
  readonly value: string;
  /** `own`: the trigger names it. `replaced`: a value that one of these had. `other`: another trigger's of the tenant. */
  readonly origin: "own" | "replaced" | "other";
  /** Of a replaced one: when another took its place. */
  readonly replacedAt?: Date;
}

/** `bare`: the producer's has no white space around it, ours has. `line`: the producer's ends in a line break, ours not. */
export type Spacing = "same" | "bare" | "line";

export interface Explanation {
  readonly secret: KnownSecret;
  readonly spacing: Spacing;
  readonly keyForm: KeyForm;
  readonly construction: Construction;
  readonly body: BodyForm;
  readonly digest: Digest;
}

type Try = Omit<Explanation, "digest">;

const MAX_TRIES = 200;
const MAX_HASHED_BYTES = 16 * 1024 * 1024;
const CONSTRUCTIONS: readonly Construction[] = ["standard", "stripe", "slack", "body"];
const KEY_FORMS: readonly KeyForm[] = ["base64", "text", "unprefixed", "hex"];

/** The first that explains one of the digests, or null where none does within the bounds. */
export function explainSignature(search: {
  readonly rawBody: Uint8Array;
  readonly evidence: Evidence;
  readonly expectation: Expectation;
  readonly secrets: readonly KnownSecret[];
}): Explanation | null {
  const { evidence, rawBody } = search;
  const digests = evidence.digests.filter(({ kind }) => kind === "sha256" || kind === "cut");
  if (digests.length === 0) return null;
  const bodies = bodyForms(rawBody);
  let triesLeft = MAX_TRIES;
  let bytesLeft = MAX_HASHED_BYTES;
  for (const attempt of tries(search.expectation, search.secrets, [...bodies.keys()])) {
    const key = keyOf(attempt);
    const body = bodies.get(attempt.body);
    if (key === null || body === undefined) continue;
    for (const before of prefixesOf(attempt.construction, evidence)) {
      if (--triesLeft < 0 || (bytesLeft -= body.length) < 0) return null;
      const made = createHmac("sha256", key).update(before).update(body).digest();
      const digest = digests.find(({ bytes }) => made.subarray(0, bytes.length).equals(bytes));
      if (digest !== undefined) return { ...attempt, digest };
    }
  }
  return null;
}

function* tries(expected: Expectation, secrets: readonly KnownSecret[], bodies: readonly BodyForm[]): Generator<Try> {
  const { construction, keyForm } = expected;
  const of = (origin: KnownSecret["origin"]): readonly KnownSecret[] => secrets.filter((one) => one.origin === origin);
  const right = { spacing: "same", keyForm, construction, body: "raw" } as const;
  for (const secret of of("own")) yield { ...right, secret };
  for (const secret of of("own")) for (const spacing of SPACINGS) yield { ...right, secret, spacing };
  for (const secret of of("own")) for (const form of KEY_FORMS) yield { ...right, secret, keyForm: form };
  for (const secret of of("replaced")) yield { ...right, secret };
  for (const secret of of("own")) for (const body of bodies) yield { ...right, secret, body };
  for (const secret of secrets) {
    for (const other of CONSTRUCTIONS) yield { ...right, secret, construction: other, keyForm: keyFormOf(other) };
  }
  for (const secret of of("own")) {
    for (const other of CONSTRUCTIONS)
      for (const form of KEY_FORMS) yield { ...right, secret, construction: other, keyForm: form };
  }
}

const SPACINGS: readonly Spacing[] = ["bare", "line"];

/** Null: the secret has no such form, or it is the same as without. */
function keyOf({ secret, spacing, keyForm }: Try): Uint8Array | null {
  const value = spacing === "bare" ? secret.value.trim() : spacing === "line" ? `${secret.value}\n` : secret.value;
  if (value === "" || (spacing !== "same" && value === secret.value)) return null;
  switch (keyForm) {
    case "text":
      return Buffer.from(value, "utf8");
    case "unprefixed":
      return value.startsWith("whsec_") ? Buffer.from(value.slice("whsec_".length), "utf8") : null;
    case "hex":
      return /^(?:[0-9a-f]{2})+$/i.test(value) ? Buffer.from(value, "hex") : null;
    case "base64": {
      const read = readStandardSecret(value);
      return read.kind === "hmac" ? read.key.export() : null;
    }
  }
}

/** What stands before the body where it is signed; none where the request has no time or id that could. */
function prefixesOf(construction: Construction, { timestamps, ids }: Evidence): readonly string[] {
  switch (construction) {
    case "body":
      return [""];
    case "stripe":
      return timestamps.map((timestamp) => `${timestamp}.`);
    case "slack":
      return timestamps.map((timestamp) => `v0:${timestamp}:`);
    case "standard":
      return timestamps.flatMap((timestamp) => ids.map((id) => `${id}.${timestamp}.`));
  }
}
