import { z } from "zod";
import { StepId } from "../definition/names.ts";
import { EXECUTION_STATUSES, TRIGGER_TYPES } from "../states.ts";
import { jsonSchemaOf } from "../json-schema.ts";
import { STEP_ERROR_CODES } from "../step-error.ts";
import { ExecutionSummary } from "./executions.ts";
import { PageQuery, commaList, pageOf, queryBoolean } from "./lists.ts";
import { Id, TimeInput } from "./values.ts";
import { VersionNumber, WorkflowRef } from "./workflows.ts";

/** Most that a list counts. */
export const MAX_COUNT = 10_000;

const LabelFilter = z
  .string()
  .max(300)
  .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,62}:[^\0]*$/, "must be name:value, such as orderId:42")
  .transform((text) => {
    const colon = text.indexOf(":");
    return { name: text.slice(0, colon), value: text.slice(colon + 1) };
  });

/** Which executions; values parted by commas are alternatives. */
export const ExecutionFilter = z.strictObject({
  workflow: commaList(WorkflowRef).optional().describe("Workflows, by name or id."),
  version: commaList(VersionNumber).optional().describe("Versions of the workflow."),
  status: commaList(z.enum(EXECUTION_STATUSES)).optional().describe("States."),
  trigger: commaList(z.enum(TRIGGER_TYPES)).optional().describe("What started them."),
  parent: commaList(Id).optional().describe("Executions whose steps wait for them."),
  replayOf: commaList(Id).optional().describe("Executions that they replay."),
  errorCode: commaList(z.enum(STEP_ERROR_CODES)).optional().describe("Codes of their errors."),
  failedStep: commaList(StepId).optional().describe("Steps in which their errors arose."),
  retrying: queryBoolean.optional().describe("Whether a step of theirs waits for its next attempt."),
  label: z
    .union([LabelFilter.transform((one) => [one]), z.array(LabelFilter).max(8)], {
      error: "must be name:value, such as orderId:42",
    })
    .meta({ jsonSchema: { type: "array", items: jsonSchemaOf(LabelFilter, "input"), maxItems: 8, "x-repeated": true } })
    .optional()
    .describe("A label they have, as name:value; given more than once, all of them."),
  since: TimeInput.optional().describe("Created then or later."),
  until: TimeInput.optional().describe("Created before then."),
});
export type ExecutionFilter = z.infer<typeof ExecutionFilter>;

export const ExecutionListQuery = z.strictObject({
  ...PageQuery.shape,
  ...ExecutionFilter.shape,
  count: queryBoolean.optional().describe("True: say how many match, out of 10,000 looked at. Default false."),
});
export type ExecutionListQuery = z.infer<typeof ExecutionListQuery>;

export const ExecutionPage = z.strictObject({
  ...pageOf(ExecutionSummary).shape,
  total: z
    .strictObject({
      value: z.int().describe("How many match, 10,000 at most."),
      exact: z.boolean().describe("False where not all were looked at: there may be more."),
    })
    .describe("How many match in all; there with `count=true`.")
    .optional(),
});
export type ExecutionPage = z.infer<typeof ExecutionPage>;
