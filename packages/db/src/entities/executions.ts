// Executions as people read them. What moves them stands elsewhere: starts.ts, interventions.ts, the lease protocol.

import type { ExecutionStatus, Failure, Json, JsonObject, StepStatus, TriggerType } from "@keelson/contracts";
import type { Summary } from "@keelson/engine";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";

export interface ExecutionHead {
  readonly id: string;
  readonly workflow: string;
  readonly workflowId: string;
  readonly versionId: string;
  readonly version: number;
  readonly status: ExecutionStatus;
  readonly trigger: JsonObject & { readonly type: TriggerType };
  readonly error: Failure | null;
  readonly parentId: string | null;
  readonly parentStep: string | null;
  readonly replayOf: string | null;
  readonly labels: Readonly<Record<string, string>> | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly seq: number;
  /** Null until its first transition. */
  readonly summary: Summary | null;
}

export interface StepRunRow {
  readonly id: string;
  readonly status: StepStatus;
  readonly attempts: number;
  readonly input: Json;
  readonly output: Json;
  readonly error: Failure | null;
  /** RFC 3339, as the two that follow. */
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** When its delay, its backoff or its child's time ends. */
  readonly dueAt: string | null;
  readonly wait: "delay" | "backoff" | "child" | null;
  readonly childId: string | null;
}

export interface ExecutionRow extends ExecutionHead {
  readonly input: Json;
  readonly output: Json;
  /** Those that have left `pending`, in no order. */
  readonly steps: readonly StepRunRow[];
}

/** Columns of `e`. */
export const EXECUTION_HEAD = Prisma.sql`
  e.id, e.workflow_name as workflow, e.workflow_id as "workflowId", e.version_id as "versionId", e.version, e.status,
  e.trigger, e.error, e.parent_id as "parentId", e.parent_step as "parentStep", e.replay_of as "replayOf", e.labels,
  e.created_at as "createdAt", e.started_at as "startedAt", e.finished_at as "finishedAt",
  e.deadline_at as "deadlineAt", e.seq, e.summary`;

/** One execution with its step runs, all of one moment. */
export async function executionGet(tx: TenantTx, tenantId: string, id: string): Promise<ExecutionRow | null> {
  const rows = await tx.$queryRaw<ExecutionRow[]>`
    select ${EXECUTION_HEAD}, e.input, e.output, coalesce((
      select json_agg(json_build_object(
        'id', s.step_id, 'status', s.status, 'attempts', s.attempt, 'input', s.input, 'output', s.output,
        'error', s.error, 'startedAt', keelson.rfc3339(s.started_at), 'finishedAt', keelson.rfc3339(s.finished_at),
        'dueAt', keelson.rfc3339(s.due_at), 'wait', s.wait, 'childId', s.child_id))
      from keelson.step_runs s where s.tenant_id = e.tenant_id and s.execution_id = e.id), '[]') as steps
    from keelson.executions e where e.tenant_id = ${tenantId}::uuid and e.id = ${id}::uuid`;
  return rows[0] ?? null;
}

export interface UsedKey {
  readonly executionId: string;
  readonly bodyHash: Uint8Array;
}

/** What a workflow's idempotency key was used for. */
export async function idempotencyKeyFind(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  key: string,
): Promise<UsedKey | null> {
  const rows = await tx.$queryRaw<UsedKey[]>`
    select execution_id as "executionId", body_hash as "bodyHash" from keelson.idempotency_keys
    where tenant_id = ${tenantId}::uuid and workflow_id = ${workflowId}::uuid and key = ${key}`;
  return rows[0] ?? null;
}
