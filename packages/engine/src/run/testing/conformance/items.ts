// Short ways to what a test of a store commits.
import type { Json } from "@keelson/contracts";
import { pendingStep, type StepState } from "../../../core/state.ts";
import type { ClaimedExecution, CommitItem } from "../../ports.ts";

/** One event and nothing else, kept under the lease; `changes` say the rest. */
export function itemOf(execution: ClaimedExecution, changes: Partial<CommitItem> = {}): CommitItem {
  return {
    tenantId: execution.tenantId,
    executionId: execution.executionId,
    epoch: execution.epoch,
    seq: execution.seq,
    events: [{ type: "execution.running" }],
    status: "running",
    failing: null,
    steps: [],
    attempts: [],
    children: [],
    cancels: [],
    eaten: [],
    progress: false,
    summary: { progress: {}, current: [], retrying: null },
    nowAt: execution.nowAt,
    release: false,
    wakeAt: null,
    ...changes,
  };
}

/** The end with this output; a parent that waits is told. */
export function endOf(execution: ClaimedExecution, changes: Partial<CommitItem> = {}): CommitItem {
  return itemOf(execution, {
    events: [{ type: "execution.succeeded" }],
    status: "succeeded",
    end: { output: { done: true }, error: null, parent: execution.parent },
    ...changes,
  });
}

/** Waiting and given back; due in `inMs`, or woken by mail alone. */
export function releaseOf(
  execution: ClaimedExecution,
  inMs: number | null,
  changes: Partial<CommitItem> = {},
): CommitItem {
  return itemOf(execution, {
    events: [{ type: "execution.waiting" }],
    status: "waiting",
    release: true,
    wakeAt: inMs === null ? null : execution.nowAt + inMs,
    ...changes,
  });
}

export function succeededStep(id: string, output: Json, changes: Partial<StepState> = {}): StepState {
  return { ...pendingStep(id), status: "succeeded", attempt: 1, output: { kind: "value", value: output }, ...changes };
}
