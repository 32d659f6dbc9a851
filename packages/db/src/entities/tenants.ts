// Tenants, as their operator manages them.

import { TenantLimits } from "@keelson/contracts";
import type { Database, TenantTx } from "../database.ts";
import { type TenantLimits as LimitOverrides, tenantsList } from "../look-ups.ts";
import { bulkActionsCancelAll } from "./bulk-actions.ts";
import { type Page, pageFrom } from "./page.ts";

export interface TenantRecord {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  /** What its limits differ in from the defaults. */
  readonly limits: LimitOverrides;
  readonly createdAt: Date;
}

/** Null: another tenant has this slug. */
export async function tenantCreate(
  tx: TenantTx,
  tenant: { readonly id: string; readonly slug: string; readonly name: string },
): Promise<TenantRecord | null> {
  const { count } = await tx.tenant.createMany({ data: [tenant], skipDuplicates: true });
  return count === 0 ? null : tenantGet(tx, tenant.id);
}

/** Null: there is none, or it was deleted. */
export async function tenantGet(tx: TenantTx, id: string): Promise<TenantRecord | null> {
  const row = await tx.tenant.findUnique({ where: { id, deletedAt: null } });
  if (row === null) return null;
  return { id, slug: row.slug, name: row.name, limits: parseLimits(row.limits), createdAt: row.createdAt };
}

/** Changes the limits named and keeps the others. Null: there is none, or it was deleted. */
export async function tenantSetLimits(tx: TenantTx, id: string, limits: LimitOverrides): Promise<TenantRecord | null> {
  await tx.$executeRaw`
    update keelson.tenants set limits = limits || ${JSON.stringify(limits)}::jsonb
    where id = ${id}::uuid and deleted_at is null`;
  return tenantGet(tx, id);
}

/**
 * Marks a tenant as deleted and frees its slug: from the commit on its keys are refused, its hooks are unknown and its
 * schedules rest; bulk actions are cancelled. What was accepted goes on. False: there is none.
 */
export async function tenantDelete(tx: TenantTx, id: string): Promise<boolean> {
  const { count } = await tx.tenant.updateMany({
    where: { id, deletedAt: null },
    data: { deletedAt: new Date(), slug: `deleted-${id}` },
  });
  if (count === 0) return false;
  await tx.apiKey.updateMany({ where: { tenantId: id, revokedAt: null }, data: { revokedAt: new Date() } });
  await tx.schedule.updateMany({ where: { tenantId: id, inLatest: true }, data: { inLatest: false, nextAt: null } });
  await bulkActionsCancelAll(tx, id);
  return true;
}

/** All tenants that are not deleted, newest first; `before`: the last id of the page before. For the operator. */
export async function tenantList(
  db: Database,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<TenantRecord>> {
  const found: TenantRecord[] = [];
  const batch = page.limit + 1;
  let { before } = page;
  for (;;) {
    const rows = await tenantsList(db, before, batch);
    found.push(...rows.filter((row) => row.deletedAt === null));
    before = rows.at(-1)?.id ?? null;
    if (rows.length < batch || found.length > page.limit) return pageFrom(found, page.limit);
  }
}

function parseLimits(json: unknown): LimitOverrides {
  const { apiPerMinute, webhookPerMinute, unfinishedExecutions } = TenantLimits.partial().parse(json);
  return {
    ...(apiPerMinute === undefined ? {} : { apiPerMinute }),
    ...(webhookPerMinute === undefined ? {} : { webhookPerMinute }),
    ...(unfinishedExecutions === undefined ? {} : { unfinishedExecutions }),
  };
}
