import type { Json } from "./json.ts";

/** Why a step run or an execution failed; the codes are part of the public contract. */
export const STEP_ERROR_CODES = [
  "HTTP_STATUS",
  "HTTP_REFUSED",
  "HTTP_NETWORK",
  "EGRESS_BLOCKED",
  "STEP_TIMEOUT",
  "EXECUTION_TIMEOUT",
  "EXPRESSION_FAILED",
  "OUTPUT_INVALID",
  "TOO_LARGE",
  "SECRET_MISSING",
  "CHILD_FAILED",
  "CHILD_REFUSED",
  "NO_CASE",
  "WORKER_LOST",
] as const;
export type StepErrorCode = (typeof STEP_ERROR_CODES)[number];

export interface StepError {
  readonly code: StepErrorCode;
  /** One sentence for the reader of the execution; never holds a secret. */
  readonly message: string;
  /** The step it arose in; absent where it belongs to the execution as a whole. */
  readonly step?: string;
  /** After an HTTP answer: `{ status, headers, body }`. */
  readonly details?: Json;
}
