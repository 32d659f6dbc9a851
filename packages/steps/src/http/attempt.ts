// The words of an http attempt: what is asked for, and what becomes of it.
import type { Json, TraceContext } from "@keelson/contracts";
import type { AttemptOutcome } from "@keelson/engine";

/**
 * A request as it is frozen before the effect: nothing in it changes from one attempt to the next. In what is stored,
 * strings that name secrets are `***`.
 */
export type HttpRequestInput = {
  /** In upper case. */
  readonly method: string;
  /** Absolute; `query` is appended to what it has of its own. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string };
  readonly query: { readonly [name: string]: string | readonly string[] };
  /** Null: no body. */
  readonly body: Json | null;
  readonly bodyType: BodyType;
};

export const BODY_TYPES = ["json", "form", "text"] as const;
export type BodyType = (typeof BODY_TYPES)[number];

export const RESPONSE_MODES = ["auto", "json", "text", "base64"] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];

export interface HttpStepConfig {
  /** `"2xx"`, `"404"` or `200`; any that matches makes the answer a success. */
  readonly successStatus: readonly (string | number)[];
  readonly response: ResponseMode;
  readonly followRedirects: boolean;
}

export interface PerformOptions {
  /** Sent as `Idempotency-Key`, unless the request has one of its own. */
  readonly idempotencyKey: string;
  /** Bounds the attempt as a whole, name look-up to last byte. */
  readonly timeoutMs: number;
  /** Aborting closes the socket at once; the outcome is then a failure that may be in doubt. */
  readonly signal: AbortSignal;
  readonly config: HttpStepConfig;
  /** Judges the output `{ status, headers, body }` of an answer whose status is a success; may throw. */
  readonly successIf?: ((response: Json) => boolean | Promise<boolean>) | undefined;
  /** Values of the secrets used: they become `***` in everything returned. */
  readonly secretValues: readonly string[];
  /** Sent as `traceparent` and `tracestate`, unless the request has its own. */
  readonly trace?: TraceContext | null | undefined;
  /** The stored form of the request: what the record shows, so that short secrets stay out of it as well. */
  readonly frozen?: HttpRequestInput | undefined;
}

/** An outcome, and what the attempt's record keeps of request and answer, both without secrets. */
export type HttpAttempt = {
  readonly outcome: AttemptOutcome;
  readonly request: RequestRecord;
  /** Null where no answer has come. After redirects, the last one. */
  readonly response: ResponseRecord | null;
};

export type RequestRecord = {
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  /** Size of the body. */
  readonly bytes: number;
};

export type ResponseRecord = {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** Size of the body, decoded, as far as it was read. */
  readonly bytes: number;
  /** Its first 16 KiB as text; base64 where it is not text. */
  readonly body: string;
  readonly truncated: boolean;
};
