import { z } from "zod";
import { StepId } from "../definition/names.ts";
import { STEP_TYPES } from "../definition/step.ts";
import { EXECUTION_STATUSES, STEP_STATUSES, TRIGGER_TYPES } from "../states.ts";
import { Failure } from "./failure.ts";
import { AnyJson, Id, Timestamp } from "./values.ts";

export const StartExecution = z.strictObject({
  input: AnyJson.optional().describe("Input, checked against the version's `inputSchema`. Default null."),
  version: z.int().min(1).max(2_147_483_647).optional().describe("Version to start. Default: the latest."),
});
export type StartExecution = z.infer<typeof StartExecution>;

/** Longest wait for an execution's end, in seconds; a longer one counts as this. */
export const MAX_WAIT_SECONDS = 60;

export const WaitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^\d{1,9}(\.\d{1,3})?$/, "must be a number of seconds")
    .transform((text) => Math.min(Number(text), MAX_WAIT_SECONDS))
    .meta({ jsonSchema: { type: "number", minimum: 0, maximum: 999_999_999 } })
    .optional()
    .describe("Seconds to wait for the execution's end, at most 60. Default: answer at once."),
});
export type WaitQuery = z.infer<typeof WaitQuery>;

export const ExecutionTrigger = z
  .strictObject({
    type: z.enum(TRIGGER_TYPES).describe("What kind of trigger."),
    id: z.string().optional().describe("Id of the trigger in the document, or of the step that started it."),
    deliveryId: Id.optional(),
    scheduledAt: Timestamp.optional().describe("The due time, of a schedule."),
    lastSuccessAt: Timestamp.nullable()
      .optional()
      .describe("Of a schedule: the due time of its last execution that succeeded; null: none has."),
    parentExecutionId: Id.optional(),
  })
  .describe("What started it.");
export type ExecutionTrigger = z.infer<typeof ExecutionTrigger>;

export const StepRun = z.strictObject({
  id: StepId,
  type: z.enum(STEP_TYPES).describe("The step's type."),
  status: z.enum(STEP_STATUSES).describe("Where it stands."),
  attempts: z.int().describe("Attempts started, of the step's present run."),
  input: AnyJson.describe("The resolved input; what holds a secret stands as ***."),
  output: AnyJson,
  error: Failure.nullable().describe("Of the last attempt that failed."),
  startedAt: Timestamp.nullable().describe("Start of the first attempt of its present run; null until then."),
  finishedAt: Timestamp.nullable().describe("Null until it has ended."),
  nextAttemptAt: Timestamp.optional().describe("While the next attempt is waited for: when it is due."),
  childExecutionId: Id.optional().describe("The execution that a subworkflow step started."),
});
export type StepRun = z.infer<typeof StepRun>;

const base = {
  id: Id,
  workflow: z.string().meta({ description: "The workflow's name at the start.", examples: ["order-fulfilment"] }),
  workflowId: Id,
  version: z.int().describe("The workflow's version that it runs."),
  status: z.enum(EXECUTION_STATUSES).describe("Where it stands. The last three are for good, but for a retry."),
  trigger: ExecutionTrigger,
  error: Failure.nullable().meta({ description: "Why it failed; null unless it did.", examples: [null] }),
  parent: z
    .strictObject({ executionId: Id, stepId: StepId })
    .optional()
    .describe("The execution and the step that wait for this one."),
  replayOf: Id.optional().describe("The execution that this one replays."),
  labels: z.record(z.string(), z.string()).describe("By name: what the document's `labels` were at the start."),
  createdAt: Timestamp,
  startedAt: Timestamp.nullable().describe("When it first ran; null until then."),
  finishedAt: Timestamp.nullable().describe("Null until it has ended."),
  deadlineAt: Timestamp.nullable().describe("When its `timeout` is over; null: it has none, or has not begun."),
  lastSeq: z.int().describe("`seq` of its last event."),
};

export const Execution = z.strictObject({
  ...base,
  input: AnyJson,
  output: AnyJson.describe("Null unless it succeeded."),
  steps: z.array(StepRun).describe("Every step of the version in its order, pending and skipped ones too."),
});
export type Execution = z.infer<typeof Execution>;

export const ExecutionSummary = z.strictObject({
  ...base,
  durationMs: z.int().nullable().describe("From `startedAt` to `finishedAt`; null while either is missing."),
  progress: z.partialRecord(z.enum(STEP_STATUSES), z.int()).describe("How many steps are in which status."),
  current: z.array(StepId).describe("Up to five steps that run or wait."),
  retrying: z
    .strictObject({
      stepId: StepId,
      attempt: z.int(),
      nextAttemptAt: Timestamp,
      errorCode: z.string(),
    })
    .nullable()
    .describe("A step that waits for its next attempt."),
});
export type ExecutionSummary = z.infer<typeof ExecutionSummary>;
