// The rows of an engine's database, in memory: what packages/db/migrations says of tables and constraints, as plain data.
// The functions beside this file change them, one call at a time, each whole or not at all, as PostgreSQL's do.
import { isEnded, type ExecutionStatus, type Json, type StepError, type TraceContext } from "@keelson/contracts";
import type { HistoryEvent } from "../../../core/messages.ts";
import type { StepState } from "../../../core/state.ts";
import type { AttemptRecord, InboxItem, ParentLink } from "../../ports.ts";
import { ALL_GUARDS, type Guards } from "./guards.ts";

export interface ExecutionRow {
  readonly tenantId: string;
  readonly executionId: string;
  readonly workflowId: string;
  readonly workflowName: string;
  readonly versionId: string;
  readonly version: number;
  status: ExecutionStatus;
  gen: number;
  seq: number;
  failing: StepError | null;
  owner: string | null;
  epoch: number;
  wakeAt: number | null;
  sweepAt: number | null;
  held: boolean;
  losses: number;
  lostOwners: readonly string[];
  readonly trigger: Json;
  readonly input: Json;
  output: Json | null;
  error: StepError | null;
  labels: { readonly [name: string]: string } | null;
  timeoutMs: number | null;
  deadlineAt: number | null;
  parent: ParentLink | null;
  readonly nesting: number;
  readonly quietFailure: boolean;
  readonly trace: TraceContext | null;
  startedAt: number | null;
  finishedAt: number | null;
  /** By id; those that something has happened to. */
  readonly steps: Map<string, StepState>;
  readonly attempts: (AttemptRecord & { readonly finishedAt: number })[];
  readonly batches: EventBatch[];
}

export interface EventBatch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly epoch: number;
  readonly items: readonly HistoryEvent[];
}

export interface InboxRow extends Omit<InboxItem, "result"> {
  readonly executionId: string;
  readonly gen: number;
  readonly at: number;
}

export interface WorkerRow {
  readonly id: string;
  renewedAt: number;
  leaseUntil: number;
  dead: boolean;
  stopped: boolean;
  /** Its advisory lock is held: its process lives. */
  locked: boolean;
}

export interface WorkflowRow {
  readonly tenantId: string;
  readonly workflowId: string;
  readonly name: string;
  readonly versionId: string;
  readonly timeoutMs: number | null;
  paused: boolean;
}

export interface Tables {
  /** PostgreSQL's time; epoch ms. */
  readonly nowAt: () => number;
  readonly guards: Guards;
  readonly executions: Map<string, ExecutionRow>;
  readonly workers: Map<string, WorkerRow>;
  readonly workflows: Map<string, WorkflowRow>;
  inbox: InboxRow[];
  /** The last identity given out. */
  lastId: number;
}

export function createTables(nowAt: () => number, guards: Guards = ALL_GUARDS): Tables {
  return { nowAt, guards, executions: new Map(), workers: new Map(), workflows: new Map(), inbox: [], lastId: 0 };
}

export function nextId(tables: Tables): string {
  tables.lastId += 1;
  return String(tables.lastId);
}

/** The tenant's own; another's is as none (I7). */
export function executionOf(
  tables: Tables,
  ref: { readonly tenantId: string; readonly executionId: string },
): ExecutionRow | undefined {
  const row = tables.executions.get(ref.executionId);
  return row?.tenantId === ref.tenantId ? row : undefined;
}

/** Mail of its present generation, oldest first. */
export function mailOf(tables: Tables, row: ExecutionRow): InboxRow[] {
  return tables.inbox.filter((mail) => mail.executionId === row.executionId && mail.gen === row.gen);
}

export function hasMail(tables: Tables, row: ExecutionRow): boolean {
  return tables.inbox.some((mail) => mail.executionId === row.executionId && mail.gen === row.gen);
}

/** Whether a worker may hold leases now. */
export function isAlive(tables: Tables, workerId: string): boolean {
  const worker = tables.workers.get(workerId);
  return worker !== undefined && !worker.dead && worker.leaseUntil > tables.nowAt();
}

/** Sends mail to one that has not ended; of any other nothing is written. */
export function sendMail(tables: Tables, to: ExecutionRow, mail: Pick<InboxRow, "kind" | "stepId" | "sourceId">): void {
  if (to.finishedAt !== null) return;
  tables.inbox.push({ ...mail, id: nextId(tables), executionId: to.executionId, gen: to.gen, at: tables.nowAt() });
}

/** Changes a row, and refuses what cannot be. */
export function changeExecution(row: ExecutionRow, change: Partial<ExecutionRow>): void {
  if (row.finishedAt !== null && (change.gen ?? row.gen) === row.gen) {
    throw new Error(`execution ${row.executionId} has ended: it changes by a retry alone`);
  }
  const after = { ...row, ...change };
  for (const [constraint, holds] of Object.entries(CONSTRAINTS)) {
    if (!holds(after)) throw new Error(`execution ${row.executionId} violates check constraint "${constraint}"`);
  }
  Object.assign(row, change);
}

/** By the names that they have in PostgreSQL. */
const CONSTRAINTS: { readonly [name: string]: (row: ExecutionRow) => boolean } = {
  ended_is_finished: (row) => isEnded(row.status) === (row.finishedAt !== null),
  ended_is_free: (row) =>
    row.finishedAt === null || (row.owner === null && row.wakeAt === null && row.sweepAt === null && !row.held),
  leased_is_not_due: (row) => row.owner === null || (row.wakeAt === null && row.sweepAt === null),
  held_is_queued: (row) => !row.held || row.status === "queued",
  free_is_found: (row) =>
    row.owner !== null || row.finishedAt !== null || row.held || row.status === "waiting" || row.sweepAt !== null,
  woken_is_swept: (row) => row.wakeAt === null || row.sweepAt !== null,
  output_of_success: (row) => row.output === null || row.status === "succeeded",
  failure_has_error: (row) => row.status !== "failed" || row.error !== null,
};
