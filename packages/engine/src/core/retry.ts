// Retry arithmetic. Pure: chance comes in.
import { assertNever } from "@keelson/contracts";
import type { ResolvedRetry } from "@keelson/dag";

export type RetryVerdict =
  | { readonly kind: "retry"; readonly delayMs: number }
  | { readonly kind: "giveUp"; readonly why: "ATTEMPTS_USED_UP" | "NOT_RETRYABLE" };

export interface FailedAttempt {
  readonly retryable: boolean;
  /** Failed attempts that count, this one included. */
  readonly failures: number;
  /** Since the step run started; ms. */
  readonly elapsedMs: number;
  /** From `Retry-After`; ms. */
  readonly retryAfterMs: number | null;
  /** In [0, 1). */
  readonly random: number;
}

/** Whether a failed attempt is tried again, and after what delay. */
export function judgeRetry(policy: ResolvedRetry, failed: FailedAttempt): RetryVerdict {
  if (!failed.retryable) return { kind: "giveUp", why: "NOT_RETRYABLE" };
  if (failed.failures >= policy.maxAttempts) return { kind: "giveUp", why: "ATTEMPTS_USED_UP" };
  const delayMs = Math.max(
    backoffMs(policy, failed.failures, failed.random),
    Math.min(failed.retryAfterMs ?? 0, policy.maxDelayMs),
  );
  if (policy.maxElapsedMs !== null && failed.elapsedMs + delayMs > policy.maxElapsedMs) {
    return { kind: "giveUp", why: "ATTEMPTS_USED_UP" };
  }
  return { kind: "retry", delayMs };
}

/** The delay after the nth failed attempt (from 1), in ms, capped at `maxDelayMs`; jitter takes off up to half. */
export function backoffMs(policy: ResolvedRetry, failures: number, random: number): number {
  const full = Math.min(policy.maxDelayMs, policy.initialDelayMs * growth(policy, failures));
  return Math.round(policy.jitter ? full * (1 - random / 2) : full);
}

function growth(policy: ResolvedRetry, failures: number): number {
  switch (policy.backoff) {
    case "fixed":
      return 1;
    case "linear":
      return failures;
    case "exponential":
      return policy.factor ** (failures - 1);
    default:
      return assertNever(policy.backoff);
  }
}
