import { z } from "zod";
import { Duration, PositiveDuration } from "./fields.ts";

export const BACKOFFS = ["exponential", "linear", "fixed"] as const;

/** How often a step is tried, and how long is waited between two attempts. What is left out has the default named. */
export const RetryPolicy = z.strictObject({
  maxAttempts: z.int().min(1).max(100).optional().describe("Attempts in all, 1 to 100. Default 1; for http steps 3."),
  backoff: z
    .enum(BACKOFFS)
    .optional()
    .describe(
      "How the delay grows: 'exponential' (times factor), 'linear' (plus initialDelay), 'fixed'. Default 'exponential'.",
    ),
  initialDelay: Duration.optional().describe("Duration before the second attempt. Default 1s."),
  maxDelay: Duration.optional().describe("Longest duration between two attempts, also for Retry-After. Default 1m."),
  factor: z.number().min(1).max(100).optional().describe("Growth of an exponential backoff, 1 to 100. Default 2."),
  jitter: z.boolean().optional().describe("Whether the delay is shortened at random, to spread load. Default true."),
  maxElapsed: PositiveDuration.optional().describe(
    "Duration after the first attempt's start beyond which no attempt begins. Default: no bound.",
  ),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;
