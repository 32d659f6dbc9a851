// Counts and latencies of executions over time, read from what is rolled up by minute and by hour.

import { z } from "zod";
import { TRIGGER_TYPES } from "../states.ts";
import { STEP_ERROR_CODES } from "../step-error.ts";
import { commaList } from "./lists.ts";
import { Id, TimeInput, Timestamp } from "./values.ts";
import { WorkflowRef } from "./workflows.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Each kind of bucket: how long it is, and for how long such buckets are kept, in ms. Hours and days are UTC's. */
export const STATS_BUCKETS = {
  minute: { lengthMs: MINUTE_MS, keptMs: 48 * HOUR_MS },
  hour: { lengthMs: HOUR_MS, keptMs: 400 * DAY_MS },
  day: { lengthMs: DAY_MS, keptMs: 400 * DAY_MS },
} as const;
export type StatsBucket = keyof typeof STATS_BUCKETS;
/** Most that one answer spans: a day of minutes, two months of hours. */
export const MAX_STATS_BUCKETS = 1_500;
/** Most buckets of all series together. */
export const MAX_STATS_POINTS = 20_000;

const STATS_GROUPS = ["status", "workflow", "trigger", "errorCode"] as const;
export type StatsGroupName = (typeof STATS_GROUPS)[number];

export const StatsQuery = z.strictObject({
  from: TimeInput.optional().describe("The first bucket is the one that this lies in. Default: 24 hours before `to`."),
  to: TimeInput.optional().describe("The last bucket is the one before which this lies. Default: now."),
  bucket: z
    .enum(["minute", "hour", "day"])
    .optional()
    .describe(
      "Minutes are kept for 48 hours, hours and days (of UTC) for 400 days; at most 1,500 in one answer. Default: minute up to 3 hours, hour up to 7 days, else day.",
    ),
  workflow: commaList(WorkflowRef).optional().describe("Workflows, by name or id. Default: all."),
  groupBy: commaList(z.enum(STATS_GROUPS))
    .refine((names) => new Set(names).size === names.length, "must name each group once")
    .optional()
    .describe("A series for each combination of these. Default: one series for all."),
});
export type StatsQuery = z.infer<typeof StatsQuery>;

const Durations = z
  .strictObject({
    p50: z.int(),
    p95: z.int(),
    p99: z.int(),
    avg: z.int(),
    max: z.int(),
  })
  .describe(
    "Milliseconds from `startedAt` to `finishedAt`. Percentiles are estimates out of a histogram whose bounds lie a factor of 2 apart at the most; the others are exact.",
  );

const Figures = z.strictObject({
  started: z
    .int()
    .nullable()
    .describe(
      "Executions accepted then, retries too. Null where a group is a status or an error code: it has none yet.",
    ),
  ended: z.int().describe("Executions that ended then; one that is retried and ends again has ended twice."),
  durationMs: Durations.nullable().describe("Of those that ended; null where none of them had begun."),
});
export type StatsFigures = z.infer<typeof Figures>;

export const StatsGroup = z
  .strictObject({
    status: z
      .enum(["succeeded", "failed", "cancelled"])
      .optional()
      .describe("How they ended; where it was grouped by status."),
    workflow: z.string().optional().describe("Its present name."),
    workflowId: Id.optional(),
    trigger: z.enum(TRIGGER_TYPES).optional().describe("What started them; where it was grouped by trigger."),
    errorCode: z.enum(STEP_ERROR_CODES).nullable().optional().describe("Null: ended without an error."),
  })
  .describe("What the executions of a series have in common: a key for each name in `groupBy`.");
export type StatsGroup = z.infer<typeof StatsGroup>;

export const Stats = z.strictObject({
  from: Timestamp.describe("Begin of the first bucket."),
  to: Timestamp.describe("End of the last bucket, which may not be over yet."),
  bucket: z.enum(["minute", "hour", "day"]).describe("How long a bucket is."),
  groupBy: z.array(z.enum(STATS_GROUPS)).describe("By what it was grouped, as it was asked."),
  total: Figures.describe("Of the whole time and all groups, those left out too."),
  series: z
    .array(
      z.strictObject({
        group: StatsGroup,
        total: Figures,
        buckets: z
          .array(z.strictObject({ at: Timestamp.describe("Its begin."), ...Figures.shape }))
          .describe("Every bucket from `from` to `to`, oldest first, also those in which nothing happened."),
      }),
    )
    .describe("The groups in which most ended first. Without `groupBy` exactly one."),
  leftOut: z.int().describe("Groups without a series: all series together have at most 20,000 buckets."),
});
export type Stats = z.infer<typeof Stats>;
