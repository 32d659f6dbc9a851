// Why a signature was refused, as the tenant reads it. Texts name headers and seconds; they never hold a secret, an expected
// signature or text that came with the request.

export const SIGNATURE_REFUSAL_CODES = [
  "NO_SECRET",
  "SECRET_UNUSABLE",
  "HEADER_MISSING",
  "HEADER_REPEATED",
  "HEADER_MALFORMED",
  "PREFIX_MISSING",
  "TIMESTAMP_MALFORMED",
  "TIMESTAMP_STALE",
  "TIMESTAMP_IN_FUTURE",
  "SIGNATURE_MISMATCH",
] as const;
export type SignatureRefusalCode = (typeof SIGNATURE_REFUSAL_CODES)[number];

export interface SignatureRefusal {
  readonly code: SignatureRefusalCode;
  /** What was found, in one sentence. */
  readonly text: string;
  /** What to do about it, in one sentence. */
  readonly hint: string;
}

export type SignatureVerdict = { readonly ok: true } | Refused;
export interface Refused {
  readonly ok: false;
  readonly reason: SignatureRefusal;
}

export function refuse(code: SignatureRefusalCode, text: string, hint: string): Refused {
  return { ok: false, reason: { code, text, hint } };
}
