// Refusals of requests to a hook that exists: what the sender is told, and what the tenant reads of the delivery.

import type { InputProblem } from "@keelson/dag";
import { AppError } from "@keelson/service-kit";

/** Of a rejected delivery. Holds no secret. */
export interface Reason {
  readonly code: string;
  /** What was found, in one sentence. */
  readonly text: string;
  /** What to do about it, in one sentence. */
  readonly hint: string;
}

export interface Refusal {
  readonly answer: AppError;
  readonly reason: Reason;
}

/** Problems of an input that its reason names; the sender is told all. */
const NAMED_PROBLEMS = 3;
/** Unfinished executions may end at any moment: a guess at when it is worth another try. */
const FULL_RETRY_SECONDS = 5;

/** The sender may be anyone, and learns nothing of the reason. */
export function signatureInvalid(): AppError {
  return new AppError("SIGNATURE_INVALID");
}

export function bodyMalformed(problem: string): Refusal {
  return {
    answer: new AppError("MALFORMED_BODY", { detail: problem }),
    reason: {
      code: "MALFORMED_BODY",
      text: problem,
      hint: "Send a body that parses as its content type says, in UTF-8.",
    },
  };
}

export function inputInvalid(problems: readonly InputProblem[]): Refusal {
  const named = problems.slice(0, NAMED_PROBLEMS).map(({ path, message }) => `${path === "" ? "it" : path} ${message}`);
  const more = problems.length > NAMED_PROBLEMS ? `, and ${problems.length - NAMED_PROBLEMS} more` : "";
  return {
    answer: new AppError("INPUT_INVALID", {
      errors: problems.map(({ path, message }) => ({ path, code: "INPUT_INVALID", message })),
    }),
    reason: {
      code: "INPUT_INVALID",
      text: `The body does not fit the workflow's inputSchema: ${named.join("; ")}${more}.`,
      hint: "Change what the producer sends, or the workflow's inputSchema.",
    },
  };
}

export function tooManyUnfinished(): Refusal {
  return {
    answer: new AppError("TOO_MANY_UNFINISHED", { headers: { "retry-after": String(FULL_RETRY_SECONDS) } }),
    reason: {
      code: "TOO_MANY_UNFINISHED",
      text: "The tenant had as many unfinished executions as its limit allows.",
      hint: "Find out what its executions wait for, or ask the operator for a higher limit.",
    },
  };
}

/** `afterMs`: until the hook's minute is over. */
export function rateExceeded(afterMs: number, perMinute: number): Refusal {
  return {
    answer: rateLimited(
      afterMs,
      `This hook takes ${perMinute} rightly signed requests a minute (its tenant's limit \`webhookPerMinute\`): ` +
        "wait as long as `Retry-After` says, or ask the operator for a higher limit.",
    ),
    reason: {
      code: "RATE_LIMITED",
      text: `More than ${perMinute} requests a minute arrived at this webhook.`,
      hint: "Let the producer send more slowly, or ask the operator for a higher limit.",
    },
  };
}

/** 429 with `Retry-After` in whole seconds, at least one. */
export function rateLimited(afterMs: number, detail?: string): AppError {
  const headers = { "retry-after": String(Math.max(1, Math.ceil(afterMs / 1000))) };
  return new AppError("RATE_LIMITED", detail === undefined ? { headers } : { headers, detail });
}
