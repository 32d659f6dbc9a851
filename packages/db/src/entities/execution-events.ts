// An execution's history, a row a commit, as the list of its events.

import type { ExecutionStatus } from "@keelson/contracts";
import type { HistoryEvent } from "@keelson/engine";
import type { TenantTx } from "../database.ts";

export interface EventRow extends HistoryEvent {
  readonly seq: number;
  readonly at: Date;
}

interface BatchRow {
  readonly firstSeq: number;
  readonly at: Date;
  readonly items: readonly HistoryEvent[];
}

/** At most `limit` events after `after`, oldest first. Null: the tenant has no such execution. Reads the primary key. */
export async function executionEvents(
  tx: TenantTx,
  tenantId: string,
  executionId: string,
  page: { readonly after: number; readonly limit: number },
): Promise<EventRow[] | null> {
  const [execution] = await tx.$queryRaw<{ createdAt: Date }[]>`
    select created_at as "createdAt" from keelson.executions
    where tenant_id = ${tenantId}::uuid and id = ${executionId}::uuid`;
  if (execution === undefined) return null;
  const batches = await tx.$queryRaw<BatchRow[]>`
    select first_seq as "firstSeq", at, items from keelson.event_batches
    where tenant_id = ${tenantId}::uuid and execution_id = ${executionId}::uuid and last_seq > ${page.after}
    order by first_seq limit ${page.limit}`;
  // The first event is the execution's own row.
  const events = [{ seq: 1, at: execution.createdAt, type: "execution.queued" }, ...batches.flatMap(eventsOf)];
  return events.filter((event) => event.seq > page.after).slice(0, page.limit);
}

function eventsOf({ firstSeq, at, items }: BatchRow): EventRow[] {
  return items.map((item, index) => ({ ...item, seq: firstSeq + index, at }));
}

export interface ExecutionProgress {
  readonly id: string;
  readonly status: ExecutionStatus;
  /** Of its last event. */
  readonly seq: number;
}

/** Where these stand. */
export async function executionsProgress(
  tx: TenantTx,
  tenantId: string,
  ids: readonly string[],
): Promise<ExecutionProgress[]> {
  return tx.$queryRaw<ExecutionProgress[]>`
    select e.id, e.status, e.seq from keelson.executions e
    where e.tenant_id = ${tenantId}::uuid and e.id = any(${ids}::uuid[])`;
}
