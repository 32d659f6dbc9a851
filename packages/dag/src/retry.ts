import { parseDuration, type RetryPolicy, type StepType } from "@keelson/contracts";

/** A retry policy with all its defaults; durations in ms. */
export interface ResolvedRetry {
  readonly maxAttempts: number;
  readonly backoff: "exponential" | "linear" | "fixed";
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly jitter: boolean;
  /** Null: no bound. */
  readonly maxElapsedMs: number | null;
}

const HTTP_ATTEMPTS = 3;

/** Fills in what a step leaves out: one attempt, of http steps three; 1 s, doubled up to 1 min, with jitter. */
export function resolveRetry(type: StepType, policy: RetryPolicy = {}): ResolvedRetry {
  return {
    maxAttempts: policy.maxAttempts ?? (type === "http" ? HTTP_ATTEMPTS : 1),
    backoff: policy.backoff ?? "exponential",
    initialDelayMs: parseDuration(policy.initialDelay) ?? 1_000,
    maxDelayMs: parseDuration(policy.maxDelay) ?? 60_000,
    factor: policy.factor ?? 2,
    jitter: policy.jitter ?? true,
    maxElapsedMs: parseDuration(policy.maxElapsed),
  };
}
