// Webhook requests as received, for the tenant to look at and to have again.

import type { DeliveryFilter, DeliveryReason } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { workflowIds } from "./execution-list.ts";
import { idRange } from "./id-range.ts";
import type { Page } from "./page.ts";
import { shortestOf, type Walk, walkList, type Walks } from "./walk.ts";

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

/** Columns of `d`, with its workflow's name. */
const head = (d: Prisma.Sql, workflow: Prisma.Sql): Prisma.Sql => Prisma.sql`
  ${d}.id, ${d}.hook_id as "hookId", ${d}.workflow_id as "workflowId", ${workflow} as workflow,
  ${d}.received_at as "receivedAt", ${d}.status, ${d}.reason, ${d}.execution_id as "executionId",
  ${d}.redelivery_of as "redeliveryOf"`;

export const DELIVERY_HEAD = head(Prisma.sql`d`, Prisma.sql`w.name`);

export async function deliveryGet(tx: TenantTx, tenantId: string, id: string): Promise<DeliveryRow | null> {
  const rows = await tx.$queryRaw<DeliveryRow[]>`
    select ${DELIVERY_HEAD}, h.trigger_id as "triggerId", d.headers, d.query, d.content_type as "contentType", d.body
    from keelson.deliveries d
    join keelson.workflows w on w.tenant_id = d.tenant_id and w.id = d.workflow_id
    join keelson.hooks h on h.tenant_id = d.tenant_id and h.id = d.hook_id
    where d.tenant_id = ${tenantId}::uuid and d.id = ${id}::uuid`;
  return rows[0] ?? null;
}

/** Newest first; `before`: where the page before ended. */
export async function deliveryList(
  tx: TenantTx,
  tenantId: string,
  filter: DeliveryFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<DeliveryHead>> {
  const workflows = await workflowsOf(tx, tenantId, filter);
  if (workflows?.length === 0) return { items: [], more: false };
  const parts = partsOf(filter, workflows, Prisma.sql`e`);
  const [first, ...others] = waysOf(filter, workflows).map(({ walks, answers }): Walks => ({
    tenantId,
    walks,
    residual: [...parts].filter(([part]) => part !== answers).map(([, condition]) => condition),
    dear: false,
    ...idRange(filter, page.before),
  }));
  if (first === undefined) return { items: [], more: false };
  return walkList(tx, await shortestOf(tx, [first, ...others]), LISTED, page.limit);
}

const LISTED = head(
  Prisma.sql`e`,
  Prisma.sql`(select w.name from keelson.workflows w where w.tenant_id = e.tenant_id and w.id = e.workflow_id)`,
);

/** Conditions on `d`. */
export async function deliveryConditions(
  tx: TenantTx,
  tenantId: string,
  filter: DeliveryFilter,
): Promise<Prisma.Sql[]> {
  const { from, to } = idRange(filter, null);
  return [
    Prisma.sql`d.tenant_id = ${tenantId}::uuid`,
    Prisma.sql`d.id >= ${from}::uuid`,
    Prisma.sql`d.id < ${to}::uuid`,
    ...partsOf(filter, await workflowsOf(tx, tenantId, filter), Prisma.sql`d`).values(),
  ];
}

function workflowsOf(tx: TenantTx, tenantId: string, filter: DeliveryFilter): Promise<string[] | undefined> {
  return filter.workflow === undefined ? Promise.resolve(undefined) : workflowIds(tx, tenantId, filter.workflow);
}

/** The parts of a filter, as conditions on `d`. */
function partsOf(
  { hookId, status, reason, since, until }: DeliveryFilter,
  workflows: readonly string[] | undefined,
  d: Prisma.Sql,
): Map<string, Prisma.Sql> {
  const parts = new Map<string, Prisma.Sql>();
  if (workflows !== undefined) parts.set("workflow", Prisma.sql`${d}.workflow_id = any(${workflows}::uuid[])`);
  if (hookId !== undefined) parts.set("hookId", Prisma.sql`${d}.hook_id = any(${hookId}::uuid[])`);
  if (status !== undefined) parts.set("status", Prisma.sql`${d}.status = any(${status}::text[])`);
  // Only rejected ones have a reason; written out, it lets their partial index be used.
  if (reason !== undefined) {
    parts.set("reason", Prisma.sql`${d}.status = 'rejected' and ${d}.reason ->> 'code' = any(${reason}::text[])`);
  }
  if (since !== undefined) parts.set("since", Prisma.sql`${d}.received_at >= ${since}`);
  if (until !== undefined) parts.set("until", Prisma.sql`${d}.received_at < ${until}`);
  return parts;
}

/** What a filter can be walked by, and which part of it that answers; the likely shortest first. */
function waysOf(
  { status, reason, hookId }: DeliveryFilter,
  workflows: readonly string[] | undefined,
): { readonly walks: readonly Walk[]; readonly answers: string }[] {
  const rejected = reason !== undefined || status?.every((one) => one === "rejected") === true;
  const by = (column: Prisma.Sql, values: readonly string[]) =>
    [...new Set(values)].map((value) => walk([{ column, value: Prisma.sql`${value}::uuid` }], null));
  const ways = [
    ...(rejected ? [{ walks: [walk([], Prisma.sql`x.status = 'rejected'`)], answers: "" }] : []),
    ...(hookId === undefined ? [] : [{ walks: by(Prisma.sql`x.hook_id`, hookId), answers: "hookId" }]),
    ...(workflows === undefined ? [] : [{ walks: by(Prisma.sql`x.workflow_id`, workflows), answers: "workflow" }]),
  ];
  return ways.length > 0 ? ways : [{ walks: [walk([], null)], answers: "" }];
}

function walk(key: Walk["key"], where: Prisma.Sql | null): Walk {
  return { from: Prisma.sql`keelson.deliveries x`, key, id: Prisma.sql`x.id`, where, lookUp: null };
}
