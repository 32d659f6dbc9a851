// The document that the calls which take one show as their example.

import type { WorkflowDefinition } from "@keelson/contracts";

export const EXAMPLE_WORKFLOW: WorkflowDefinition = {
  name: "refund",
  description: "Pay back an order, and say so where that fails",
  triggers: [{ id: "nightly", type: "schedule", cron: "0 2 * * *", timezone: "Europe/Berlin", input: { amount: 0 } }],
  labels: { orderId: "{{ input.orderId }}" },
  steps: [
    { id: "large", type: "condition", config: { if: "input.amount > 100" } },
    { id: "cool_off", type: "delay", dependsOn: ["large:true"], config: { for: "10s" } },
    {
      id: "pay",
      type: "http",
      dependsOn: ["cool_off", "large:false"],
      timeout: "10s",
      retry: { maxAttempts: 5, backoff: "exponential", initialDelay: "500ms" },
      config: {
        method: "POST",
        url: "https://pay.example.com/refunds",
        headers: { authorization: "Bearer {{ secrets.PAY_TOKEN }}" },
        body: { order: "{{ input.orderId }}" },
      },
    },
    {
      id: "tell",
      type: "http",
      dependsOn: ["pay:error"],
      config: {
        method: "POST",
        url: "https://chat.example.com/alerts",
        body: { why: "{{ steps.pay.error.message }}" },
      },
    },
  ],
  output: { refund: "{{ steps.pay.output?.body.id }}" },
};
