// What went wrong on the way to an answer, as the outcome of the attempt. Pure.
import type { StepError } from "@keelson/contracts";
import type { AttemptOutcome } from "@keelson/engine";
import { errors } from "undici";
import { EgressBlocked } from "../egress/egress-blocked.ts";
import { UndecodableBody, UnknownEncoding } from "./decode-body.ts";
import { TooManyHeaders } from "./exchange.ts";
import { UnsendableRequest } from "./message.ts";
import { LARGE_BODY_MS, SlowBody } from "./read-body.ts";

export type FailedOutcome = Extract<AttemptOutcome, { kind: "failed" }>;

/** The attempt's time is over. */
export class AttemptTimeout extends Error {
  override readonly name = "AttemptTimeout";
}

/** The caller has given the attempt up. */
export class AttemptAborted extends Error {
  override readonly name = "AttemptAborted";
}

export interface Progress {
  /** Host and port last spoken to. */
  target: string;
  /** A request may have reached a target, and no answer of it says what became of it. */
  sent: boolean;
}

/** Null for what is no failure of an attempt but a fault of the program. */
export function describeFailure(error: unknown, progress: Progress): FailedOutcome | null {
  const failed = (code: StepError["code"], message: string, retryable: boolean): FailedOutcome => ({
    kind: "failed",
    error: { code, message },
    retryable,
    inDoubt: progress.sent,
  });
  if (!(error instanceof Error)) return null;
  if (error instanceof EgressBlocked) return failed("EGRESS_BLOCKED", error.message, false);
  if (error instanceof UnsendableRequest) return failed("EXPRESSION_FAILED", error.message, false);
  if (error instanceof AttemptTimeout) return failed("STEP_TIMEOUT", `${error.message} ${stageOf(progress)}`, true);
  if (error instanceof AttemptAborted) return failed("HTTP_NETWORK", "The attempt was aborted.", true);
  if (error instanceof UnknownEncoding) {
    return failed("HTTP_REFUSED", `The answer's content-encoding "${error.message}" is not understood.`, false);
  }
  if (error instanceof UndecodableBody)
    return failed("HTTP_NETWORK", "The answer's content-encoding is damaged.", true);
  if (error instanceof SlowBody) {
    return failed("HTTP_NETWORK", `A large answer did not come within ${LARGE_BODY_MS / 1_000} s.`, true);
  }
  if (error instanceof TooManyHeaders || error instanceof errors.HeadersOverflowError) {
    return failed("TOO_LARGE", "The answer's headers are too many or too large.", false);
  }
  if (error instanceof errors.HTTPParserError) {
    return failed("HTTP_NETWORK", `What came from ${progress.target} is not HTTP.`, true);
  }
  const { code } = rootOf(error);
  if (code === undefined) return null;
  return failed("HTTP_NETWORK", `${networkCause(code, progress.target)} (${code}).`, !isTlsFailure(code));
}

/** A fault of the program: whether the world was touched is told all the same, and its text, which may hold anything, is not. */
export function describeFault(progress: Progress): FailedOutcome {
  const error = { code: "HTTP_NETWORK" as const, message: "The attempt broke off within the engine." };
  return { kind: "failed", error, retryable: true, inDoubt: progress.sent };
}

function stageOf(progress: Progress): string {
  return progress.sent ? "after the request was sent." : "while connecting; nothing was sent.";
}

/** Several addresses that failed are one error of many: the first one's code speaks for them. */
function rootOf(error: Error): { readonly code?: string } {
  const code: unknown = Reflect.get(error, "code");
  if (typeof code === "string") return { code };
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? rootOf(inner) : {};
}

const CAUSES: { readonly [code: string]: string } = {
  ECONNREFUSED: "The connection was refused by",
  ECONNRESET: "The connection was reset by",
  EPIPE: "The connection was closed by",
  UND_ERR_SOCKET: "The connection was closed by",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "The answer was cut off by",
  ETIMEDOUT: "No connection in time to",
  UND_ERR_CONNECT_TIMEOUT: "No connection in time to",
  EHOSTUNREACH: "No route to",
  ENETUNREACH: "No route to",
  EADDRNOTAVAIL: "No route to",
};

function networkCause(code: string, target: string): string {
  if (code === "ENOTFOUND" || code === "ENODATA" || code.startsWith("EAI_")) {
    return `The name of ${target} could not be resolved`;
  }
  if (isTlsFailure(code)) return `No trusted TLS connection to ${target}`;
  return `${CAUSES[code] ?? "The connection failed to"} ${target}`;
}

const TLS_CODE =
  /^(?:CERT_|CRL_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERROR_IN_C|DEPTH_ZERO_SELF_SIGNED_CERT$|SELF_SIGNED_CERT_IN_CHAIN$|HOSTNAME_MISMATCH$|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|EPROTO$)/;

/** A certificate or protocol that does not fit now will not fit in a moment: not retried. */
function isTlsFailure(code: string): boolean {
  return TLS_CODE.test(code);
}
