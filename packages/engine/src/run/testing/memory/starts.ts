// Starts, and what people do to executions and workflows: cancel, wake, pause, resume, retry.
import type { Json } from "@keelson/contracts";
import type { StepState } from "../../../core/state.ts";
import type { HistoryEvent } from "../../../core/messages.ts";
import type { ChildStart, ExecutionRef } from "../../ports.ts";
import {
  changeExecution,
  executionOf,
  sendMail,
  type ExecutionRow,
  type InboxRow,
  type Tables,
  type WorkflowRow,
} from "./tables.ts";
import { writeSteps } from "./steps.ts";

/** A start's hint comes first; ms. */
const SWEPT_AFTER_MS = 2_000;

export function startExecution(tables: Tables, ref: ExecutionRef, workflow: WorkflowRow, input: Json): ExecutionRow {
  return insert(tables, {
    ...ref,
    workflowId: workflow.workflowId,
    workflowName: workflow.name,
    versionId: workflow.versionId,
    version: 1,
    trigger: { type: "api" },
    input,
    timeoutMs: workflow.timeoutMs,
    deadlineAt: null,
    nesting: 0,
    parent: null,
    quietFailure: false,
    trace: null,
  });
}

/** Held where its workflow is paused: due by its deadline alone. */
export function insert(tables: Tables, start: ChildStart & { readonly tenantId: string }): ExecutionRow {
  const held = tables.workflows.get(start.workflowId)?.paused ?? false;
  const nowAt = tables.nowAt();
  const row: ExecutionRow = {
    ...start,
    status: "queued",
    gen: 1,
    seq: 1,
    failing: null,
    owner: null,
    epoch: 0,
    wakeAt: held ? null : nowAt,
    sweepAt: held ? start.deadlineAt : nowAt + SWEPT_AFTER_MS,
    held,
    losses: 0,
    lostOwners: [],
    output: null,
    error: null,
    labels: null,
    startedAt: null,
    finishedAt: null,
    steps: new Map(),
    attempts: [],
    batches: [],
  };
  tables.executions.set(row.executionId, row);
  return row;
}

export function notify(
  tables: Tables,
  ref: ExecutionRef,
  wish: { readonly kind: "cancel" } | { readonly kind: "wake"; readonly stepId: string },
): "sent" | "ended" | "unknown" {
  const row = executionOf(tables, ref);
  if (row === undefined) return "unknown";
  if (row.finishedAt !== null) return "ended";
  const stepId = wish.kind === "wake" ? wish.stepId : null;
  const isSame = (mail: InboxRow): boolean =>
    mail.executionId === row.executionId && mail.gen === row.gen && mail.kind === wish.kind && mail.stepId === stepId;
  if (!tables.inbox.some(isSame)) sendMail(tables, row, { kind: wish.kind, stepId, sourceId: null });
  return "sent";
}

/** What is accepted from now on is held. */
export function pauseWorkflow(tables: Tables, workflowId: string): boolean {
  const workflow = tables.workflows.get(workflowId);
  if (workflow !== undefined) workflow.paused = true;
  return workflow !== undefined;
}

/** Frees what is held; how many. A leased one becomes due when it is released. */
export function resumeWorkflow(tables: Tables, workflowId: string): number | null {
  const workflow = tables.workflows.get(workflowId);
  if (workflow === undefined) return null;
  workflow.paused = false;
  const held = [...tables.executions.values()].filter((row) => row.workflowId === workflowId && row.held);
  const due = tables.nowAt();
  for (const row of held) {
    const at = row.owner === null ? due : null;
    changeExecution(row, { held: false, wakeAt: at, sweepAt: at });
  }
  return held.length;
}

export interface Reopening extends ExecutionRef {
  readonly gen: number;
  readonly seq: number;
  readonly events: readonly HistoryEvent[];
  readonly steps: readonly StepState[];
  readonly deadlineAt: number | null;
  readonly nowAt: number;
  readonly parentGen: number | null;
}

export function retryExecution(tables: Tables, reopening: Reopening): "retried" | "held" | "stale" {
  const row = executionOf(tables, reopening);
  const { gen, seq, events, deadlineAt, parentGen } = reopening;
  if (row === undefined || row.finishedAt === null || row.gen !== gen || row.seq !== seq) return "stale";
  const held = tables.workflows.get(row.workflowId)?.paused ?? false;
  const nowAt = tables.nowAt();
  changeExecution(row, {
    gen: gen + 1,
    epoch: row.epoch + 1,
    seq: seq + events.length,
    status: "queued",
    held,
    failing: null,
    losses: 0,
    lostOwners: [],
    output: null,
    error: null,
    startedAt: null,
    finishedAt: null,
    deadlineAt,
    parent: row.parent === null ? null : { ...row.parent, gen: parentGen ?? row.parent.gen },
    wakeAt: held ? null : nowAt,
    sweepAt: held ? deadlineAt : nowAt + SWEPT_AFTER_MS,
  });
  tables.inbox = tables.inbox.filter((mail) => mail.executionId !== row.executionId);
  writeSteps(tables, row, reopening, true);
  row.batches.push({ firstSeq: seq + 1, lastSeq: seq + events.length, epoch: row.epoch, items: events });
  return held ? "held" : "retried";
}
