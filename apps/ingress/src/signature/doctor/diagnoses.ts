// The table of what is wrong with signatures. The first row that fits is the diagnosis; a row without a code keeps the one
// that verification gave, and says more.

import type { SignatureRefusal } from "../refusal.ts";
import type { BodyForm } from "./body-forms.ts";
import type { Evidence } from "./evidence.ts";
import { CONTENT_OF, type Expectation, type KeyForm } from "./expectation.ts";
import type { Explanation } from "./search.ts";

export const DIAGNOSIS_CODES = [
  "SECRET_OF_OTHER_TRIGGER",
  "SECRET_REPLACED",
  "SECRET_SPACING",
  "SECRET_DECODING",
  "SCHEME_DIFFERS",
  "BODY_REWRITTEN",
  "HEADER_ELSEWHERE",
  "SIGNATURE_CUT",
  "SIGNATURE_ENCODING",
  "SIGNATURE_ALGORITHM",
  "TIMESTAMP_IN_MILLISECONDS",
] as const;
export type DiagnosisCode = (typeof DIAGNOSIS_CODES)[number];

export interface Case {
  readonly refusal: SignatureRefusal;
  readonly expectation: Expectation;
  readonly evidence: Evidence;
  readonly found: Explanation | null;
  readonly nowMs: number;
}

interface Finding {
  readonly text: string;
  readonly hint: string;
}

interface Row {
  readonly code: DiagnosisCode | null;
  readonly find: (of: Case) => Finding | null;
}

export const DIAGNOSES: readonly Row[] = [
  { code: "SECRET_OF_OTHER_TRIGGER", find: secretOfOtherTrigger },
  { code: "SECRET_REPLACED", find: secretReplaced },
  { code: "SECRET_SPACING", find: secretSpacing },
  { code: "SCHEME_DIFFERS", find: constructionDiffers },
  { code: "SECRET_DECODING", find: secretDecoding },
  { code: "BODY_REWRITTEN", find: bodyRewritten },
  { code: "TIMESTAMP_IN_MILLISECONDS", find: timestampInMilliseconds },
  { code: "SIGNATURE_CUT", find: signatureCut },
  { code: "HEADER_ELSEWHERE", find: headerElsewhere },
  { code: "SIGNATURE_ENCODING", find: signatureEncoding },
  { code: null, find: rightButFor },
  { code: "SIGNATURE_ALGORITHM", find: signatureAlgorithm },
  { code: "SCHEME_DIFFERS", find: signedAsOtherScheme },
  { code: null, find: wrongBesides },
];

function secretOfOtherTrigger({ found, expectation }: Case): Finding | null {
  if (found?.secret.origin !== "other") return null;
  const asOther = found.construction !== expectation.construction;
  const { name } = found.secret;
  return {
    text: `The signature is right under the secret "${name}", which this trigger does not name${asOther ? `; what is signed is ${CONTENT_OF[found.construction]}` : ""}.`,
    hint: `Send to the URL of the trigger that names "${name}", or add the name to this trigger's secrets${asOther ? ` and set its scheme to ${schemesOf(found.construction)}` : ""}.`,
  };
}

function secretReplaced({ found }: Case): Finding | null {
  if (found?.secret.origin !== "replaced") return null;
  const { name, replacedAt } = found.secret;
  const until = replacedAt === undefined ? "" : ` until ${replacedAt.toISOString()}`;
  return {
    text: `It is signed with the value that the secret "${name}" had${until}.`,
    hint: "Give the producer the new value; to let both pass meanwhile, store the old one under a second name that the trigger lists.",
  };
}

function secretSpacing({ found }: Case): Finding | null {
  if (found === null || found.spacing === "same") return null;
  const { name } = found.secret;
  if (found.spacing === "bare") {
    return {
      text: `The secret "${name}" has white space around it; the signature is right without.`,
      hint: `Store "${name}" again, without spaces or line breaks before and after it.`,
    };
  }
  return {
    text: `The producer's secret ends in a line break, which "${name}" does not have.`,
    hint: "Take the line break off the producer's secret; a file that it is read from may end in one.",
  };
}

function constructionDiffers({ found, expectation }: Case): Finding | null {
  if (found === null || found.construction === expectation.construction) return null;
  return {
    text: `The secret "${found.secret.name}" is right, but what is signed is ${CONTENT_OF[found.construction]}; the scheme "${expectation.scheme}" signs ${CONTENT_OF[expectation.construction]}.`,
    hint: `Set the trigger's scheme to ${schemesOf(found.construction)}, or let the producer sign as "${expectation.scheme}" has it.`,
  };
}

function secretDecoding({ found, expectation }: Case): Finding | null {
  if (found === null || found.keyForm === expectation.keyForm) return null;
  return {
    text: `The producer uses the secret "${found.secret.name}" ${KEY_USED[found.keyForm]}; the scheme "${expectation.scheme}" uses it ${KEY_USED[expectation.keyForm]}.`,
    hint:
      expectation.keyForm === "base64"
        ? `Let the producer decode what follows "whsec_" from base64, or sign with its library for Standard Webhooks.`
        : `Let the producer sign with the secret's characters as they are, "whsec_" included.`,
  };
}

const KEY_USED: Readonly<Record<KeyForm, string>> = {
  text: "as plain text",
  base64: "decoded from base64",
  unprefixed: 'as plain text without its "whsec_"',
  hex: "decoded from hex",
};

function bodyRewritten({ found }: Case): Finding | null {
  if (found === null || found.body === "raw") return null;
  return {
    text: `What was signed is not what arrived: the signature is right for the body ${SIGNED_BODY[found.body]}.`,
    hint: "Sign the very bytes that are sent, not an object that is written anew for sending; and see that no proxy rewrites bodies.",
  };
}

const SIGNED_BODY: Readonly<Record<Exclude<BodyForm, "raw">, string>> = {
  compact: "as JSON without white space",
  indented: "as JSON indented by two spaces",
  trimmed: "without the white space at its end",
  line: "with a line break at its end",
};

const TOLERATED_MS = 300_000;

function timestampInMilliseconds({ refusal, found, evidence, nowMs }: Case): Finding | null {
  if (refusal.code !== "TIMESTAMP_IN_FUTURE") return null;
  if (!evidence.timestamps.some((text) => Math.abs(Number(text) - nowMs) <= TOLERATED_MS)) return null;
  return {
    text: `The timestamp is in milliseconds${found === null ? "" : "; the signature itself is right"}.`,
    hint: "Send and sign Unix time in seconds.",
  };
}

function signatureCut({ found, evidence, expectation }: Case): Finding | null {
  const cut = found === null ? evidence.digests.find(({ kind, expected }) => kind === "cut" && expected) : found.digest;
  if (cut?.kind !== "cut") return null;
  const whole = expectation.encoding === "hex" ? 64 : 44;
  const right = found === null ? "" : "; as far as it goes it is right";
  return {
    text: `The signature in "${cut.header}" has ${cut.length} characters instead of ${whole}${right}.`,
    hint: "Look for what cuts the header: a column that is too narrow, or a proxy.",
  };
}

function headerElsewhere({ found, expectation }: Case): Finding | null {
  if (found === null || found.digest.expected) return null;
  const [wanted] = expectation.headers;
  return {
    text: `The signature is right, but stands in "${found.digest.header}" instead of "${wanted}".`,
    hint:
      expectation.scheme === "hmac"
        ? `Set the trigger's header to "${found.digest.header}", or let the producer send "${wanted}".`
        : `Let the producer send it as "${wanted}".`,
  };
}

function signatureEncoding({ found, refusal, expectation }: Case): Finding | null {
  if (found === null || refusal.code !== "SIGNATURE_MISMATCH") return null;
  const { encoding } = found.digest;
  if (encoding === expectation.encoding) return null;
  return {
    text: `The signature is right, but written in ${encoding === "base64url" ? "base64 of another kind (URL-safe or without padding)" : encoding} instead of ${expectation.encoding}.`,
    hint: `Let the producer write the digest in ${expectation.encoding}${expectation.scheme === "hmac" ? ", or change the trigger's encoding" : ""}.`,
  };
}

/** Nothing is wrong with the signature itself: what verification said of the rest is all there is. */
function rightButFor({ found, refusal, nowMs, evidence }: Case): Finding | null {
  if (found === null) return null;
  const seconds = Math.floor(nowMs / 1000) - Number(evidence.timestamps[0]);
  switch (refusal.code) {
    case "TIMESTAMP_STALE":
      return {
        text: `The signature is right, but its time is ${seconds} seconds behind; at most 300 are allowed.`,
        hint: "Set the producer's clock; if it was sent again, sign each try anew, and see whether something in between held it back.",
      };
    case "TIMESTAMP_IN_FUTURE":
      return {
        text: `The signature is right, but its time is ${-seconds} seconds ahead; at most 300 are allowed.`,
        hint: "Set the producer's clock.",
      };
    case "SIGNATURE_MISMATCH":
      return { text: `A signature is right, but not one that was looked at. ${refusal.text}`, hint: refusal.hint };
    default:
      return { text: `The signature itself is right, but: ${refusal.text}`, hint: refusal.hint };
  }
}

function signatureAlgorithm({ evidence, expectation }: Case): Finding | null {
  const digest = evidence.digests[0];
  if (digest?.kind !== "sha1" && digest?.kind !== "sha512") return null;
  // 64 bytes are an Ed25519 signature there: v1a.
  if (expectation.scheme === "standard" && digest.kind === "sha512") return null;
  if (evidence.digests.some(({ kind, expected }) => kind === "sha256" && expected)) return null;
  return {
    text: `The digest in "${digest.header}" has the length of ${digest.kind === "sha1" ? "SHA-1" : "SHA-512"}; the scheme "${expectation.scheme}" takes SHA-256.`,
    hint: `Let the producer send an HMAC-SHA-256 in "${expectation.headers[0]}".`,
  };
}

const SCHEME_OF_HEADER: Readonly<Record<string, string>> = {
  "webhook-signature": "standard",
  "svix-signature": "standard",
  "stripe-signature": "stripe",
  "x-slack-signature": "slack",
  "x-hub-signature-256": "github",
  "x-shopify-hmac-sha256": "shopify",
};

function signedAsOtherScheme({ evidence, expectation, refusal }: Case): Finding | null {
  if (refusal.code !== "HEADER_MISSING" || evidence.digests.some(({ expected }) => expected)) return null;
  const header = evidence.digests.map((digest) => digest.header).find((name) => SCHEME_OF_HEADER[name] !== undefined);
  const scheme = header === undefined ? undefined : SCHEME_OF_HEADER[header];
  if (scheme === undefined) return null;
  return {
    text: `The request is signed as "${scheme}" does it, in "${header}"; this trigger expects "${expectation.scheme}". No secret of the trigger fits that signature.`,
    hint: `Set the trigger's scheme to "${scheme}" and name the secret that the producer signs with.`,
  };
}

function wrongBesides({ refusal, evidence }: Case): Finding | null {
  if (refusal.code !== "TIMESTAMP_STALE" && refusal.code !== "TIMESTAMP_IN_FUTURE") return null;
  if (evidence.digests.length === 0) return null;
  return {
    text: `${refusal.text} The signature fits none of the trigger's secrets either.`,
    hint: `${refusal.hint} Compare the secret here with the producer's, too.`,
  };
}

function schemesOf(construction: Explanation["construction"]): string {
  return construction === "body" ? `"github", "shopify" or "hmac", by its header` : `"${construction}"`;
}
