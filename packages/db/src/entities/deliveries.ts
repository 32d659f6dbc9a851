// Webhook requests as received, for the tenant to look at and to have again.

import type { DeliveryFilter, DeliveryReason } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { workflowIds } from "./execution-list.ts";
import { type Page, pageFrom } from "./page.ts";

export interface DeliveryHead {
  readonly id: string;
  readonly hookId: string;
  readonly workflowId: string;
  readonly workflow: string;
  readonly receivedAt: Date;
  readonly status: "accepted" | "duplicate" | "rejected";
  readonly reason: DeliveryReason | null;
  readonly executionId: string | null;
  readonly redeliveryOf: string | null;
}

export interface DeliveryRow extends DeliveryHead {
  readonly triggerId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly contentType: string | null;
  readonly body: Uint8Array;
}

export const DELIVERY_HEAD = Prisma.sql`
  d.id, d.hook_id as "hookId", d.workflow_id as "workflowId", w.name as workflow, d.received_at as "receivedAt",
  d.status, d.reason, d.execution_id as "executionId", d.redelivery_of as "redeliveryOf"`;

export async function deliveryGet(tx: TenantTx, tenantId: string, id: string): Promise<DeliveryRow | null> {
  const rows = await tx.$queryRaw<DeliveryRow[]>`
    select ${DELIVERY_HEAD}, h.trigger_id as "triggerId", d.headers, d.query, d.content_type as "contentType", d.body
    from keelson.deliveries d
    join keelson.workflows w on w.tenant_id = d.tenant_id and w.id = d.workflow_id
    join keelson.hooks h on h.tenant_id = d.tenant_id and h.id = d.hook_id
    where d.tenant_id = ${tenantId}::uuid and d.id = ${id}::uuid`;
  return rows[0] ?? null;
}

/** Newest first; `before`: the last id of the page before. */
export async function deliveryList(
  tx: TenantTx,
  tenantId: string,
  filter: DeliveryFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<DeliveryHead>> {
  const conditions = await deliveryConditions(tx, tenantId, filter);
  if (page.before !== null) conditions.push(Prisma.sql`d.id < ${page.before}::uuid`);
  const rows = await tx.$queryRaw<DeliveryHead[]>`
    select ${DELIVERY_HEAD} from keelson.deliveries d
    join keelson.workflows w on w.tenant_id = d.tenant_id and w.id = d.workflow_id
    where ${Prisma.join(conditions, " and ")} order by d.id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

/** Conditions on `d`. */
export async function deliveryConditions(
  tx: TenantTx,
  tenantId: string,
  filter: DeliveryFilter,
): Promise<Prisma.Sql[]> {
  const conditions = [Prisma.sql`d.tenant_id = ${tenantId}::uuid`];
  if (filter.workflow !== undefined) {
    const ids = await workflowIds(tx, tenantId, filter.workflow);
    conditions.push(Prisma.sql`d.workflow_id = any(${ids}::uuid[])`);
  }
  const { hookId, status, reason, since, until } = filter;
  if (hookId !== undefined) conditions.push(Prisma.sql`d.hook_id = any(${hookId}::uuid[])`);
  if (status !== undefined) conditions.push(Prisma.sql`d.status = any(${status}::text[])`);
  // Only rejected ones have a reason; written out, it lets their partial index be used.
  if (reason !== undefined) {
    conditions.push(Prisma.sql`d.status = 'rejected'`, Prisma.sql`d.reason ->> 'code' = any(${reason}::text[])`);
  }
  if (since !== undefined) conditions.push(Prisma.sql`d.received_at >= ${since}`);
  if (until !== undefined) conditions.push(Prisma.sql`d.received_at < ${until}`);
  return conditions;
}
