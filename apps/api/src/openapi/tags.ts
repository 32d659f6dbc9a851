// Groups of calls, in the order in which the document lists them.

export const TAGS = {
  Workflows: "Documents and their versions. A save never changes what runs already.",
  Executions: "Runs of a version: start, watch, understand, intervene.",
  "Bulk actions": "The same intervention for many executions or deliveries, at a bounded pace.",
  Webhooks: "Where producers send to. Served by the ingress, which has an address of its own.",
  Deliveries: "Webhook requests as they arrived, and what became of each.",
  Schedules: "Cron triggers of the latest versions.",
  Secrets: "Values that documents use by name; they can be written, never read.",
  "API keys": "Who may call, and what they may do.",
  Audit: "Who changed what.",
  Statistics: "Counts and latencies over time.",
  Account: "Whose key this is.",
  Tenants: "The operator's: customers, each isolated from all others.",
  Operations: "The operator's: rates, capacity, workers, broken invariants.",
} as const;

export type Tag = keyof typeof TAGS;
