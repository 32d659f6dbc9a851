import { z } from "zod";
import { pageOf } from "./lists.ts";
import { Id, Timestamp } from "./values.ts";

export const SCHEDULE_STATUSES = ["active", "paused"] as const;

export const Schedule = z
  .strictObject({
    id: Id,
    workflow: z.string().describe("Name of the workflow."),
    triggerId: z.string(),
    cron: z.string(),
    timezone: z.string(),
    status: z.enum(SCHEDULE_STATUSES).describe("While it is paused its due times are dropped."),
    next: z.array(Timestamp).describe("The next five due times; none while it is paused."),
    lastFiredAt: Timestamp.nullable().describe("The last due time that started an execution."),
  })
  .describe("A schedule of a workflow's latest version.");
export type Schedule = z.infer<typeof Schedule>;

export const SchedulePage = pageOf(Schedule);
export type SchedulePage = z.infer<typeof SchedulePage>;
