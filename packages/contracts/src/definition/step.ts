import { z } from "zod";
import { PositiveDuration } from "./fields.ts";
import { DependencyEntry, StepId } from "./names.ts";
import { RetryPolicy } from "./retry.ts";
import { ConditionConfig, DelayConfig, HttpConfig, SubworkflowConfig, TransformConfig } from "./step-config.ts";

export const STEP_TYPES = ["http", "transform", "condition", "delay", "subworkflow"] as const;
export type StepType = (typeof STEP_TYPES)[number];

/** Most entries of one `dependsOn`: success and error of every other step. */
const MAX_ENTRIES = 400;

const common = {
  id: StepId,
  name: z.string().min(1).max(200).optional().describe("Title for people, at most 200 characters. Default: the id."),
  dependsOn: z
    .array(DependencyEntry)
    .max(MAX_ENTRIES)
    .optional()
    .describe("Steps and branches to wait for, at most 400. Default: none, the step starts at once."),
  join: z
    .enum(["all", "any"])
    .optional()
    .describe(
      "Whether all entries of dependsOn must be taken or any. Default: 'any' where they exclude one another or all are error edges, else 'all'.",
    ),
  retry: RetryPolicy.optional().describe("How often the step is tried. Default: once; http steps three times."),
};
const onError = z
  .enum(["fail", "continue"])
  .optional()
  .describe("What a failure does to the execution where no error edge takes it. Default 'fail'.");
const attemptTimeout = PositiveDuration.optional();

export const HttpStep = z.strictObject({
  ...common,
  type: z.literal("http"),
  onError,
  timeout: attemptTimeout.describe("Longest duration of one attempt. Default 30s."),
  config: HttpConfig.describe("The request, and what counts as its success."),
});
export type HttpStep = z.infer<typeof HttpStep>;

export const TransformStep = z.strictObject({
  ...common,
  type: z.literal("transform"),
  onError,
  config: TransformConfig.describe("The value to compute."),
});
export type TransformStep = z.infer<typeof TransformStep>;

export const ConditionStep = z.strictObject({
  ...common,
  type: z.literal("condition"),
  onError: z
    .literal("fail", { error: 'must be "fail" or left out: a condition that failed has no branch to continue on' })
    .optional()
    .describe("A condition can only fail. Default 'fail'."),
  config: ConditionConfig.describe("The choice between branches."),
});
export type ConditionStep = z.infer<typeof ConditionStep>;

export const DelayStep = z.strictObject({
  ...common,
  type: z.literal("delay"),
  onError,
  config: DelayConfig.describe("How long to wait, or until when."),
});
export type DelayStep = z.infer<typeof DelayStep>;

export const SubworkflowStep = z.strictObject({
  ...common,
  type: z.literal("subworkflow"),
  onError,
  timeout: attemptTimeout.describe(
    "Longest duration of one attempt, after which its child is cancelled. Default: no bound.",
  ),
  config: SubworkflowConfig.describe("The workflow to start."),
});
export type SubworkflowStep = z.infer<typeof SubworkflowStep>;

export const Step = z.discriminatedUnion("type", [HttpStep, TransformStep, ConditionStep, DelayStep, SubworkflowStep]);
export type Step = z.infer<typeof Step>;
