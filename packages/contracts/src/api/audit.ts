import { z } from "zod";
import { pageOf } from "./lists.ts";
import { AnyJson, Id, Timestamp } from "./values.ts";

export const AuditEntry = z
  .strictObject({
    id: Id,
    at: Timestamp,
    actor: z
      .strictObject({
        type: z.string().describe("apiKey or operator."),
        id: z.string().nullable().describe("Of the API key; null for the operator."),
      })
      .describe("Who changed it."),
    action: z.string().describe("Such as workflow.updated."),
    target: z
      .strictObject({ type: z.string(), id: z.string().nullable() })
      .describe("What was changed: its kind, and its id or name."),
    details: AnyJson,
  })
  .describe("Who changed what.");
export type AuditEntry = z.infer<typeof AuditEntry>;

export const AuditPage = pageOf(AuditEntry);
export type AuditPage = z.infer<typeof AuditPage>;
