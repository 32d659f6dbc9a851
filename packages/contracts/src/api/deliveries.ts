import { z } from "zod";
import { PageQuery, commaList, pageOf } from "./lists.ts";
import { Id, TimeInput, Timestamp } from "./values.ts";
import { WorkflowRef } from "./workflows.ts";

export const DELIVERY_STATUSES = ["accepted", "duplicate", "rejected"] as const;

export const DeliveryReason = z.strictObject({
  code: z.string().meta({ description: "Why, out of a closed list.", examples: ["SIGNATURE_INVALID"] }),
  text: z.string().describe("What was found, in one sentence."),
  hint: z.string().describe("What to do about it."),
});
export type DeliveryReason = z.infer<typeof DeliveryReason>;

export const DeliveryListItem = z.strictObject({
  id: Id,
  hookId: Id,
  workflow: z.string().describe("Name of the workflow."),
  receivedAt: Timestamp,
  status: z
    .enum(DELIVERY_STATUSES)
    .describe("accepted: it started an execution; duplicate: a repeat of one that did; rejected: refused."),
  reason: DeliveryReason.nullable().describe("Why it was rejected."),
  executionId: Id.nullable().describe("What it started, or, of a duplicate, what the first one had started."),
  redeliveryOf: Id.nullable().describe("The delivery that this one delivers again; null: it came from its producer."),
});
export type DeliveryListItem = z.infer<typeof DeliveryListItem>;

export const Delivery = z
  .strictObject({
    ...DeliveryListItem.shape,
    headers: z.record(z.string(), z.string()).describe("As they arrived; credentials as ***."),
    body: z.string().describe("As it arrived."),
    bodyEncoding: z.enum(["utf8", "base64"]).describe("base64 where the bytes are no UTF-8."),
  })
  .describe("One webhook request as received.");
export type Delivery = z.infer<typeof Delivery>;

export const DeliveryPage = pageOf(DeliveryListItem);
export type DeliveryPage = z.infer<typeof DeliveryPage>;

export const DeliveryFilter = z.strictObject({
  workflow: commaList(WorkflowRef).optional().describe("Workflows, by name or id."),
  hookId: commaList(Id).optional().describe("Webhooks."),
  status: commaList(z.enum(DELIVERY_STATUSES)).optional().describe("What became of them."),
  reason: commaList(z.string().regex(/^[A-Z][A-Z_]{0,63}$/, "must be a reason's code"))
    .optional()
    .describe("Codes of their reasons."),
  since: TimeInput.optional().describe("Received then or later."),
  until: TimeInput.optional().describe("Received before then."),
});
export type DeliveryFilter = z.infer<typeof DeliveryFilter>;

export const DeliveryListQuery = z.strictObject({ ...PageQuery.shape, ...DeliveryFilter.shape });
export type DeliveryListQuery = z.infer<typeof DeliveryListQuery>;
