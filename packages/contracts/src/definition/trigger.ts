import { z } from "zod";
import { AnyJson } from "../api/values.ts";
import { TriggerId } from "./names.ts";
import { Signature } from "./signature.ts";

export const DOCUMENT_TRIGGER_TYPES = ["webhook", "schedule"] as const;

export const WebhookTrigger = z.strictObject({
  id: TriggerId,
  type: z.literal("webhook"),
  signature: Signature.describe("How requests are signed; { scheme: 'none' } takes unsigned ones."),
});
export type WebhookTrigger = z.infer<typeof WebhookTrigger>;

export const ScheduleTrigger = z.strictObject({
  id: TriggerId,
  type: z.literal("schedule"),
  cron: z.string().meta({
    description: "Five fields: minute, hour, day of month, month, day of week; names, ranges, steps and lists.",
    examples: ["0 2 * * *", "*/15 9-17 * * mon-fri"],
    pattern: "^\\s*\\S+(\\s+\\S+){4}\\s*$",
  }),
  timezone: z
    .string()
    .optional()
    .meta({ description: "IANA time zone in which the fields are read. Default 'UTC'.", examples: ["Europe/Berlin"] }),
  missed: z
    .enum(["skip", "latest", "all"])
    .optional()
    .describe(
      "What becomes of due times first seen over 10 s late: none, the last one, or all of them up to 100. Default 'latest'.",
    ),
  overlap: z
    .enum(["allow", "skip"])
    .optional()
    .describe("Whether to start while the schedule's previous execution is unfinished. Default 'allow'."),
  input: AnyJson.optional().describe("Input of the executions; fixed JSON, no template. Default null."),
});
export type ScheduleTrigger = z.infer<typeof ScheduleTrigger>;

export const Trigger = z.discriminatedUnion("type", [WebhookTrigger, ScheduleTrigger]);
export type Trigger = z.infer<typeof Trigger>;
