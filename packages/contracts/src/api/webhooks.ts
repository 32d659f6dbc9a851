// What the ingress answers to producers.

import { z } from "zod";
import { Id } from "./values.ts";

export const WebhookAccepted = z
  .strictObject({
    deliveryId: Id,
    executionId: Id.describe("What it started, or, of a repeat, what the first one had started."),
    duplicate: z.boolean().describe("A repeat of a delivery that was accepted before: it started nothing."),
    statusUrl: z.url().meta({
      description: "Tells for 24 hours, without an API key, what has become of it. Whoever has it can read it.",
      examples: ["https://hooks.example.com/receipts/AZLwwSo7fE2OX2BxgpOktQ"],
    }),
  })
  .describe("The webhook is committed.");
export type WebhookAccepted = z.infer<typeof WebhookAccepted>;

export const WebhookChallenge = z
  .strictObject({ challenge: z.string().describe("As it was sent.") })
  .describe("Slack's signed check of the address: it starts nothing.");
export type WebhookChallenge = z.infer<typeof WebhookChallenge>;

export const DeliveryReceipt = z
  .strictObject({
    deliveryId: Id,
    status: z.enum(["accepted", "duplicate"]).describe("`duplicate`: a repeat of one that was accepted before."),
    execution: z
      .enum(["running", "ended"])
      .describe("`running`: it has not ended, and may be queued or waiting. How it ended is not told."),
  })
  .describe("What has become of a delivery, and nothing else.");
export type DeliveryReceipt = z.infer<typeof DeliveryReceipt>;
