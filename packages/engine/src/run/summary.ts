// What a list shows of an execution, kept by the transitions so that no list has to look at step runs.
import type { ExecutionState } from "../core/state.ts";
import type { Summary } from "./ports.ts";

const MAX_CURRENT = 5;

export function summarise(state: ExecutionState): Summary {
  const progress: Record<string, number> = {};
  const current: string[] = [];
  let retrying: Summary["retrying"] = null;
  for (const step of state.steps.values()) {
    progress[step.status] = (progress[step.status] ?? 0) + 1;
    if ((step.status === "running" || step.status === "waiting") && current.length < MAX_CURRENT) current.push(step.id);
    if (step.wait === "backoff" && step.dueAt !== null && retrying === null) {
      retrying = {
        stepId: step.id,
        attempt: step.attempt,
        nextAttemptAt: new Date(step.dueAt).toISOString(),
        errorCode: step.error?.code ?? "",
      };
    }
  }
  return { progress, current, retrying };
}

/** When a released execution must be looked at again: the earliest of its waits and its deadline; null if only mail can wake it. */
export function nextWakeAt(state: ExecutionState): number | null {
  let wakeAt = state.deadlineAt;
  if (state.held) return wakeAt;
  for (const step of state.steps.values()) {
    if (step.status === "waiting" && step.dueAt !== null && (wakeAt === null || step.dueAt < wakeAt))
      wakeAt = step.dueAt;
  }
  return wakeAt;
}
