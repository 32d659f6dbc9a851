import { describe, expect, it } from "vitest";
import type { ResolvedRetry } from "@keelson/dag";
import { backoffMs, judgeRetry, type FailedAttempt } from "./retry.ts";

const policy = (change: Partial<ResolvedRetry> = {}): ResolvedRetry => ({
  maxAttempts: 5,
  backoff: "exponential",
  initialDelayMs: 1000,
  maxDelayMs: 60_000,
  factor: 2,
  jitter: false,
  maxElapsedMs: null,
  ...change,
});

const failed = (change: Partial<FailedAttempt> = {}): FailedAttempt => ({
  retryable: true,
  failures: 1,
  elapsedMs: 0,
  retryAfterMs: null,
  random: 0,
  ...change,
});

const delays = (of: ResolvedRetry, count: number) =>
  Array.from({ length: count }, (_, index) => backoffMs(of, index + 1, 0));

describe("backoff", () => {
  it("multiplies an exponential delay by its factor after each failure", () => {
    expect(delays(policy(), 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(delays(policy({ factor: 3 }), 4)).toEqual([1000, 3000, 9000, 27_000]);
    expect(delays(policy({ factor: 1 }), 3)).toEqual([1000, 1000, 1000]);
  });

  it("adds the first delay again to a linear one after each failure", () => {
    expect(delays(policy({ backoff: "linear" }), 4)).toEqual([1000, 2000, 3000, 4000]);
  });

  it("leaves a fixed delay as it is", () => {
    expect(delays(policy({ backoff: "fixed" }), 3)).toEqual([1000, 1000, 1000]);
  });

  it("never waits longer than the longest delay, the first time included", () => {
    expect(delays(policy({ maxDelayMs: 2500 }), 4)).toEqual([1000, 2000, 2500, 2500]);
    expect(delays(policy({ maxDelayMs: 500 }), 2)).toEqual([500, 500]);
  });

  it("stays a whole number of milliseconds for the steepest policy there is", () => {
    for (const initialDelayMs of [0, 1, 365 * 24 * 3_600_000]) {
      const delay = backoffMs(policy({ initialDelayMs, factor: 100, maxAttempts: 100 }), 99, 0.999);
      expect(Number.isSafeInteger(delay)).toBe(true);
    }
  });

  it("takes off up to half of the delay by jitter, and never adds to it", () => {
    const jittered = policy({ jitter: true });
    expect(backoffMs(jittered, 1, 0)).toBe(1000);
    expect(backoffMs(jittered, 1, 0.5)).toBe(750);
    expect(backoffMs(jittered, 1, 0.999_999)).toBe(500);
    expect(backoffMs(policy({ jitter: true, maxDelayMs: 400 }), 3, 0.5)).toBe(300);
  });

  it("ignores chance without jitter", () => {
    expect(backoffMs(policy(), 2, 0.9)).toBe(2000);
  });
});

describe("whether a failed attempt is tried again", () => {
  it("gives up at once what is not retryable", () => {
    expect(judgeRetry(policy(), failed({ retryable: false }))).toEqual({ kind: "giveUp", why: "NOT_RETRYABLE" });
  });

  it("gives up with the attempt that uses up the last of them, and not before", () => {
    expect(judgeRetry(policy(), failed({ failures: 4 }))).toEqual({ kind: "retry", delayMs: 8000 });
    expect(judgeRetry(policy(), failed({ failures: 5 }))).toEqual({ kind: "giveUp", why: "ATTEMPTS_USED_UP" });
    expect(judgeRetry(policy({ maxAttempts: 1 }), failed())).toEqual({ kind: "giveUp", why: "ATTEMPTS_USED_UP" });
  });

  it("waits as long as the target wishes where that is longer than the backoff", () => {
    expect(judgeRetry(policy(), failed({ retryAfterMs: 7000 }))).toEqual({ kind: "retry", delayMs: 7000 });
    expect(judgeRetry(policy(), failed({ retryAfterMs: 10 }))).toEqual({ kind: "retry", delayMs: 1000 });
  });

  it("honours the target's wish up to the longest delay only", () => {
    expect(judgeRetry(policy(), failed({ retryAfterMs: 3_600_000 }))).toEqual({ kind: "retry", delayMs: 60_000 });
  });

  it("does not shorten the target's wish by jitter", () => {
    const verdict = judgeRetry(policy({ jitter: true }), failed({ retryAfterMs: 5000, random: 0.9 }));
    expect(verdict).toEqual({ kind: "retry", delayMs: 5000 });
  });

  it("begins no attempt after the longest time since the step's start, the delay counted in", () => {
    const bounded = policy({ maxElapsedMs: 5000 });
    expect(judgeRetry(bounded, failed({ elapsedMs: 4000 }))).toEqual({ kind: "retry", delayMs: 1000 });
    expect(judgeRetry(bounded, failed({ elapsedMs: 4001 }))).toEqual({ kind: "giveUp", why: "ATTEMPTS_USED_UP" });
    expect(judgeRetry(bounded, failed({ retryAfterMs: 6000 }))).toEqual({ kind: "giveUp", why: "ATTEMPTS_USED_UP" });
  });
});
