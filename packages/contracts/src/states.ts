// The words for where an execution or a step run stands. See docs/lifecycle.md for the arrows between them.

export const EXECUTION_STATUSES = ["queued", "running", "waiting", "succeeded", "failed", "cancelled"] as const;
export type ExecutionStatus = (typeof EXECUTION_STATUSES)[number];

export const STEP_STATUSES = ["pending", "running", "waiting", "succeeded", "failed", "skipped", "cancelled"] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

export const TRIGGER_TYPES = ["webhook", "schedule", "api", "subworkflow"] as const;
export type TriggerType = (typeof TRIGGER_TYPES)[number];

/** Ended executions never change, but for an explicit retry (I3). */
export function isEnded(status: ExecutionStatus): status is "succeeded" | "failed" | "cancelled" {
  return status === "succeeded" || status === "failed" || status === "cancelled";
}

/** Ended step runs never change, but for an explicit retry (I3). */
export function isStepEnded(status: StepStatus): status is "succeeded" | "failed" | "skipped" | "cancelled" {
  return status === "succeeded" || status === "failed" || status === "skipped" || status === "cancelled";
}
