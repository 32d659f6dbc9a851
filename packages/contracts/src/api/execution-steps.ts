import { z } from "zod";
import { STEP_STATUSES } from "../states.ts";
import { StepRun } from "./executions.ts";
import { Failure } from "./failure.ts";
import { AnyJson, Id, Timestamp } from "./values.ts";

export const ATTEMPT_OUTCOMES = ["succeeded", "failed", "timed_out", "cancelled", "in_doubt"] as const;

export const Attempt = z
  .strictObject({
    n: z.int().describe("Counts the attempts of one run of the step from 1."),
    run: z.int().describe("Which run of the step: a manual retry that runs it anew adds one."),
    startedAt: Timestamp.nullable().describe("Null until it has begun."),
    sentAt: Timestamp.nullable().describe("When the request was committed to be sent; null where nothing is sent."),
    finishedAt: Timestamp.nullable().describe("Null while it runs."),
    outcome: z
      .enum(ATTEMPT_OUTCOMES)
      .nullable()
      .describe("in_doubt: cut off, its outcome unknown. Null while it runs."),
    error: Failure.nullable().describe("Why it failed; null unless it did."),
    nextAttemptAt: Timestamp.nullable().describe("When the next one is or was due; null where none follows."),
    idempotencyKey: z.string().nullable().describe("Its header `Idempotency-Key`."),
    request: AnyJson.describe("{ method, url, headers, bytes } as it was sent; what holds a secret stands as ***."),
    response: AnyJson.describe("{ status, headers, bytes, body, truncated }; of failed answers the first 16 KiB."),
  })
  .describe("One try of a step.");
export type Attempt = z.infer<typeof Attempt>;

export const StepDetail = z.strictObject({
  ...StepRun.shape,
  attempts: z.array(Attempt).describe("Oldest first, with the one that runs."),
});
export type StepDetail = z.infer<typeof StepDetail>;

export const StepReason = z.strictObject({
  code: z.string().meta({ description: "The reason, out of a closed list.", examples: ["QUEUED"] }),
  text: z.string().describe("One sentence for people."),
  values: z.record(z.string(), AnyJson).describe("What decided it."),
});
export type StepReason = z.infer<typeof StepReason>;

export const Explanation = z.strictObject({
  executionId: Id,
  steps: z
    .array(z.strictObject({ id: z.string(), status: z.enum(STEP_STATUSES), reason: StepReason }))
    .describe("Every step of the version, in its order."),
});
export type Explanation = z.infer<typeof Explanation>;
