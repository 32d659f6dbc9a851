import { z } from "zod";
import { AnyJson } from "../api/values.ts";
import { LIMITS } from "../limits.ts";
import { PositiveDuration, Template, TextTemplate } from "./fields.ts";
import { WorkflowName } from "./names.ts";
import { Step } from "./step.ts";
import { Trigger } from "./trigger.ts";

/** Most triggers of one workflow. */
const MAX_TRIGGERS = 50;

const LabelName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/,
    "must be 1 to 63 letters, digits and '_', '.', '-', beginning with a letter or '_'",
  );

const Tag = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,62}$/,
    "must be a word of 1 to 63 letters, digits and '_', '.', ':', '/', '-'",
  );

/** The workflow document as its author wrote it: defaults are described, not filled in. */
export const WorkflowDefinition = z.strictObject({
  $schema: z
    .string()
    .max(2_000)
    .optional()
    .describe("Address of this schema, for editors: kept and otherwise ignored. Default: none."),
  name: WorkflowName,
  description: z
    .string()
    .max(2_000)
    .optional()
    .describe("What the workflow is for, at most 2,000 characters. Default: none."),
  tags: z.array(Tag).max(LIMITS.tags).optional().describe("Up to 16 fixed words on the workflow. Default: none."),
  triggers: z
    .array(Trigger)
    .max(MAX_TRIGGERS)
    .optional()
    .describe("Up to 50 triggers; the API can start any workflow. Default: none."),
  inputSchema: z
    .union([z.boolean(), z.record(z.string(), AnyJson)], { error: "must be a JSON Schema: an object, true or false" })
    .optional()
    .describe("JSON Schema 2020-12; an input that does not fit is refused at the start. Default: any input."),
  timeout: PositiveDuration.optional().describe("Longest duration of an execution from its start. Default: no bound."),
  labels: z
    .record(LabelName, TextTemplate)
    .refine((labels) => Object.keys(labels).length <= LIMITS.labels, `must have at most ${LIMITS.labels} entries`)
    .meta({ maxProperties: LIMITS.labels })
    .optional()
    .describe(
      "Up to 8 templates over input and trigger, evaluated once at the start, to find executions by. Default: none.",
    ),
  onFailure: WorkflowName.optional().describe(
    "Workflow that is started whenever an execution ends failed. Default: none.",
  ),
  steps: z.array(Step).min(1).max(LIMITS.steps).describe("1 to 200 steps."),
  output: Template.optional().describe(
    "The execution's output, a template. Default: the outputs of the succeeded leaves, by step id.",
  ),
});
export type WorkflowDefinition = z.infer<typeof WorkflowDefinition>;
