// The signature doctor: why a signature was refused, in the words of who has to mend it. It is asked after the request was
// refused, decides nothing, and its answer is the tenant's alone: no sender learns of it, not by the time it takes either.
// Texts name secrets and headers; they hold no value of a secret, no digest and nothing else of the request.

import type { SignatureRefusal } from "../refusal.ts";
import type { RequestHeaders } from "../request-headers.ts";
import type { SignatureConfig } from "../signature-config.ts";
import { DIAGNOSES, type DiagnosisCode } from "./diagnoses.ts";
import { gatherEvidence } from "./evidence.ts";
import { expectationOf } from "./expectation.ts";
import { type KnownSecret, explainSignature } from "./search.ts";

export interface Diagnosis {
  readonly code: DiagnosisCode | SignatureRefusal["code"];
  /** What was found, in one sentence or two. */
  readonly text: string;
  /** What to do about it. */
  readonly hint: string;
}

export interface RefusedRequest {
  readonly signature: SignatureConfig;
  readonly headers: RequestHeaders;
  readonly rawBody: Uint8Array;
  /** What verification said. */
  readonly refusal: SignatureRefusal;
  /** When it arrived, in milliseconds since 1970. */
  readonly nowMs: number;
  readonly secrets: readonly KnownSecret[];
}

/** The first diagnosis that fits, or verification's own reason where none does. */
export function diagnose(request: RefusedRequest): Diagnosis {
  const expectation = expectationOf(request.signature);
  if (expectation === null) return request.refusal;
  const evidence = gatherEvidence(request.headers, expectation);
  const found = explainSignature({ ...request, evidence, expectation });
  const { refusal, nowMs } = request;
  for (const { code, find } of DIAGNOSES) {
    const finding = find({ refusal, expectation, evidence, found, nowMs });
    if (finding !== null) return { code: code ?? refusal.code, ...finding };
  }
  return refusal;
}
