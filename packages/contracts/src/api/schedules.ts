import { z } from "zod";
import { PageQuery, commaList, pageOf } from "./lists.ts";
import { Id, TimeInput, Timestamp } from "./values.ts";
import { DefinitionIssue } from "./workflows.ts";

export const SCHEDULE_STATUSES = ["active", "paused"] as const;

export const Schedule = z
  .strictObject({
    id: Id,
    workflow: z.string().describe("Name of the workflow."),
    triggerId: z.string().meta({ description: "Id of the trigger in the document.", examples: ["nightly"] }),
    cron: z.string().meta({ description: "Five fields, as the document has them.", examples: ["0 2 * * *"] }),
    timezone: z
      .string()
      .meta({ description: "IANA time zone in which the fields are read.", examples: ["Europe/Berlin"] }),
    status: z.enum(SCHEDULE_STATUSES).describe("While it is paused its due times are dropped."),
    next: z.array(Timestamp).describe("The next five due times; none while it is paused."),
    lastFiredAt: Timestamp.nullable().describe("The last due time that started an execution."),
  })
  .describe("A schedule of a workflow's latest version.");
export type Schedule = z.infer<typeof Schedule>;

export const SchedulePage = pageOf(Schedule);
export type SchedulePage = z.infer<typeof SchedulePage>;

export const FIRE_STATUSES = ["due", "fired", "skipped", "missed"] as const;
export const FIRE_REASONS = [
  "CAUGHT_UP",
  "RUN_NOW",
  "OVERLAP",
  "MISSED",
  "WORKFLOW_PAUSED",
  "SCHEDULE_PAUSED",
] as const;
export type FireReason = (typeof FIRE_REASONS)[number];

export const ScheduleFire = z
  .strictObject({
    scheduledAt: Timestamp.describe("The due time; of a run by hand, when that was asked for."),
    until: Timestamp.nullable().describe("Of several due times that share an entry: the last. Null: it is one."),
    count: z.int().min(1).nullable().describe("How many they are; null: more than a thousand, not counted."),
    firedAt: Timestamp.nullable().describe("When its execution was started; null where none was."),
    status: z
      .enum(FIRE_STATUSES)
      .describe("due: the next one, still to come or being settled; skipped and missed ones started nothing."),
    reason: z
      .strictObject({ code: z.enum(FIRE_REASONS), text: z.string() })
      .nullable()
      .describe("Why it started nothing, or late, or by hand; null where all went as planned."),
    executionId: Id.nullable().describe("What it started; null where it started nothing."),
  })
  .describe("A due time of a schedule, and what became of it.");
export type ScheduleFire = z.infer<typeof ScheduleFire>;

export const ScheduleFirePage = pageOf(ScheduleFire);
export type ScheduleFirePage = z.infer<typeof ScheduleFirePage>;

export const ScheduleFireFilter = z.strictObject({
  status: commaList(z.enum(FIRE_STATUSES)).optional().describe("Default: all."),
  since: TimeInput.optional().describe("Due then or later."),
  until: TimeInput.optional().describe("Due before then."),
});
export type ScheduleFireFilter = z.infer<typeof ScheduleFireFilter>;

export const ScheduleFireListQuery = z.strictObject({ ...PageQuery.shape, ...ScheduleFireFilter.shape });
export type ScheduleFireListQuery = z.infer<typeof ScheduleFireListQuery>;

const PREVIEWED = 5;
const MAX_PREVIEWED = 100;

export const PreviewSchedule = z.strictObject({
  cron: z.string().max(1_000).describe("Five fields, as in a schedule trigger."),
  timezone: z.string().max(1_000).default("UTC").describe("IANA time zone. Default UTC."),
  count: z.int().min(1).max(MAX_PREVIEWED).default(PREVIEWED).describe("Fire times wanted, 1 to 100. Default 5."),
  from: TimeInput.optional().describe("Fire times after then. Default: now."),
});
export type PreviewSchedule = z.infer<typeof PreviewSchedule>;

export const SchedulePreview = z
  .strictObject({
    cron: z.string().meta({ description: "As it was asked.", examples: ["0 2 * * *"] }),
    timezone: z
      .string()
      .meta({ description: "IANA time zone in which the fields are read.", examples: ["Europe/Berlin"] }),
    next: z.array(Timestamp).describe("The fire times, earliest first; fewer than wanted where no more ever come."),
    warnings: z.array(DefinitionIssue).describe("What clock changes within a year from `from` do to it."),
  })
  .describe("When a schedule would fire; nothing is saved.");
export type SchedulePreview = z.infer<typeof SchedulePreview>;
