// Bulk actions: what they hit, as it was when they were created, and how far they are.

import type { BulkActionKind, DeliveryFilter, ExecutionFilter, Json, ReplayExecution } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import type { Actor } from "./audit.ts";
import { DELIVERY_HEAD, type DeliveryHead, deliveryConditions } from "./deliveries.ts";
import { executionConditions } from "./execution-list.ts";
import { EXECUTION_HEAD, type ExecutionHead } from "./executions.ts";
import { type Page, pageFrom } from "./page.ts";

export interface BulkTargets {
  /** In the order in which they are done. */
  readonly ids: readonly string[];
  /** More match, which are left alone. */
  readonly capped: boolean;
}

/** The oldest that match. A child whose parent is among them is left out: what is done to the parent does it too. */
export async function bulkExecutionTargets(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  limit: number,
): Promise<BulkTargets> {
  const conditions = await executionConditions(tx, tenantId, filter);
  if (conditions === null) return { ids: [], capped: false };
  const rows = await tx.$queryRaw<{ id: string; parentId: string | null }[]>`
    select e.id, e.parent_id as "parentId" from keelson.executions e
    where ${Prisma.join(conditions, " and ")} order by e.id limit ${limit + 1}`;
  const { items, more } = pageFrom(rows, limit);
  const hit = new Set(items.map(({ id }) => id));
  const ids = items.filter(({ parentId }) => parentId === null || !hit.has(parentId)).map(({ id }) => id);
  return { ids, capped: more };
}

/** The oldest that match. */
export async function bulkDeliveryTargets(
  tx: TenantTx,
  tenantId: string,
  filter: DeliveryFilter,
  limit: number,
): Promise<BulkTargets> {
  const conditions = await deliveryConditions(tx, tenantId, filter);
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select d.id from keelson.deliveries d
    where ${Prisma.join(conditions, " and ")} order by d.id limit ${limit + 1}`;
  const { items, more } = pageFrom(rows, limit);
  return { ids: items.map(({ id }) => id), capped: more };
}

/** Those of these that there are, oldest first. */
export function executionHeads(tx: TenantTx, tenantId: string, ids: readonly string[]): Promise<ExecutionHead[]> {
  return tx.$queryRaw<ExecutionHead[]>`
    select ${EXECUTION_HEAD} from keelson.executions e
    where e.tenant_id = ${tenantId}::uuid and e.id = any(${ids}::uuid[]) order by e.id`;
}

/** Those of these that there are, oldest first. */
export function deliveryHeads(tx: TenantTx, tenantId: string, ids: readonly string[]): Promise<DeliveryHead[]> {
  return tx.$queryRaw<DeliveryHead[]>`
    select ${DELIVERY_HEAD} from keelson.deliveries d
    join keelson.workflows w on w.tenant_id = d.tenant_id and w.id = d.workflow_id
    where d.tenant_id = ${tenantId}::uuid and d.id = any(${ids}::uuid[]) order by d.id`;
}

export interface NewBulkAction {
  readonly id: string;
  readonly action: BulkActionKind;
  /** Null where ids were named. */
  readonly filter: Json;
  readonly version: ReplayExecution["version"] | null;
  readonly perSecond: number | null;
  readonly stopAfterFailures: number | null;
  readonly targets: BulkTargets;
  readonly actor: Actor;
}

/** Fixes what it hits. One that hits nothing has succeeded. */
export async function bulkActionInsert(tx: TenantTx, tenantId: string, bulk: NewBulkAction): Promise<void> {
  const { id, action, filter, version, perSecond, stopAfterFailures, targets, actor } = bulk;
  const { ids, capped } = targets;
  const status = ids.length === 0 ? "succeeded" : "running";
  await tx.$executeRaw`
    insert into keelson.bulk_actions (
      tenant_id, id, action, filter, version, per_second, stop_after_failures, status, matched, capped,
      actor_type, actor_id, finished_at)
    values (
      ${tenantId}::uuid, ${id}::uuid, ${action}, ${jsonOrNull(filter)}::jsonb, ${jsonOrNull(version ?? null)}::jsonb,
      ${perSecond}::double precision, ${stopAfterFailures}::int, ${status}, ${ids.length}::int, ${capped},
      ${actor.type}, ${actor.id}, case when ${status} = 'succeeded' then now() end)`;
  await tx.$executeRaw`
    insert into keelson.bulk_action_items (tenant_id, bulk_action_id, n, target_id)
    select ${tenantId}::uuid, ${id}::uuid, t.n, t.id from unnest(${ids}::uuid[]) with ordinality as t (id, n)`;
}

function jsonOrNull(value: Json): string | null {
  return value === null ? null : JSON.stringify(value);
}

export interface BulkActionRow {
  readonly id: string;
  readonly action: BulkActionKind;
  readonly status: "running" | "succeeded" | "cancelled" | "stopped";
  readonly filter: unknown;
  readonly version: ReplayExecution["version"] | null;
  readonly perSecond: number | null;
  readonly stopAfterFailures: number | null;
  readonly matched: number;
  readonly capped: boolean;
  readonly succeeded: number;
  readonly refused: number;
  readonly failed: number;
  readonly actorType: string;
  readonly actorId: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

const ROW = Prisma.sql`
  b.id, b.action, b.status, b.filter, b.version, b.per_second as "perSecond",
  b.stop_after_failures as "stopAfterFailures", b.matched, b.capped, b.succeeded, b.refused, b.failed,
  b.actor_type as "actorType", b.actor_id as "actorId", b.created_at as "createdAt", b.finished_at as "finishedAt"`;

export async function bulkActionGet(tx: TenantTx, tenantId: string, id: string): Promise<BulkActionRow | null> {
  const rows = await tx.$queryRaw<BulkActionRow[]>`
    select ${ROW} from keelson.bulk_actions b where b.tenant_id = ${tenantId}::uuid and b.id = ${id}::uuid`;
  return rows[0] ?? null;
}

/** Newest first; `before`: the last id of the page before. Reads the primary key backwards. */
export async function bulkActionList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<BulkActionRow>> {
  const rows = await tx.$queryRaw<BulkActionRow[]>`
    select ${ROW} from keelson.bulk_actions b
    where b.tenant_id = ${tenantId}::uuid and (${page.before}::uuid is null or b.id < ${page.before}::uuid)
    order by b.id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

export interface BulkRefusal {
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** The first that were refused or failed. Index bulk_action_items_refused. */
export function bulkRefusals(tx: TenantTx, tenantId: string, id: string, limit: number): Promise<BulkRefusal[]> {
  return tx.$queryRaw<BulkRefusal[]>`
    select i.target_id as id, i.code, i.message from keelson.bulk_action_items i
    where i.tenant_id = ${tenantId}::uuid and i.bulk_action_id = ${id}::uuid and i.outcome in ('refused', 'failed')
    order by i.n limit ${limit}`;
}

/** What is being done at this moment is done still. False: it is over, or there is none. */
export async function bulkActionCancel(tx: TenantTx, tenantId: string, id: string): Promise<boolean> {
  const count = await tx.$executeRaw`
    update keelson.bulk_actions set status = 'cancelled', finished_at = now()
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and status = 'running'`;
  return count === 1;
}

/** Those of a tenant that goes. */
export async function bulkActionsCancelAll(tx: TenantTx, tenantId: string): Promise<void> {
  await tx.$executeRaw`
    update keelson.bulk_actions set status = 'cancelled', finished_at = now()
    where tenant_id = ${tenantId}::uuid and status = 'running'`;
}
