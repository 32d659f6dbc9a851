// Tenants, as their operator manages them.

import type { Database, TenantTx } from "../database.ts";
import { type Page, pageFrom } from "./page.ts";

/** What a tenant's limits differ in from the defaults. */
export interface TenantLimitOverrides {
  readonly apiPerMinute?: number | undefined;
  readonly webhookPerMinute?: number | undefined;
  readonly unfinishedExecutions?: number | undefined;
}

export interface TenantRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly limits: TenantLimitOverrides;
  readonly createdAt: Date;
}

/** Null: another tenant has this slug. */
export async function tenantCreate(
  tx: TenantTx,
  tenant: { readonly id: string; readonly slug: string; readonly name: string },
): Promise<TenantRow | null> {
  const rows = await tx.$queryRaw<TenantRow[]>`
    insert into keelson.tenants (id, slug, name) values (${tenant.id}::uuid, ${tenant.slug}, ${tenant.name})
    on conflict (slug) do nothing
    returning id, slug, name, limits, created_at as "createdAt"`;
  return rows[0] ?? null;
}

/** Null: there is none, or it was deleted. */
export async function tenantGet(tx: TenantTx, id: string): Promise<TenantRow | null> {
  const rows = await tx.$queryRaw<TenantRow[]>`
    select id, slug, name, limits, created_at as "createdAt"
    from keelson.tenants where id = ${id}::uuid and deleted_at is null`;
  return rows[0] ?? null;
}

/** Changes the limits named and keeps the others. */
export async function tenantSetLimits(
  tx: TenantTx,
  id: string,
  limits: TenantLimitOverrides,
): Promise<TenantRow | null> {
  const rows = await tx.$queryRaw<TenantRow[]>`
    update keelson.tenants set limits = limits || ${JSON.stringify(limits)}::jsonb
    where id = ${id}::uuid and deleted_at is null
    returning id, slug, name, limits, created_at as "createdAt"`;
  return rows[0] ?? null;
}

/**
 * Marks a tenant as deleted and frees its slug: from the commit on its keys are refused, its hooks are unknown and its
 * schedules rest. What was accepted goes on. False: there is none.
 */
export async function tenantDelete(tx: TenantTx, id: string): Promise<boolean> {
  const count = await tx.$executeRaw`
    update keelson.tenants set deleted_at = now(), slug = 'deleted-' || id
    where id = ${id}::uuid and deleted_at is null`;
  if (count === 0) return false;
  await tx.$executeRaw`
    update keelson.api_keys set revoked_at = now() where tenant_id = ${id}::uuid and revoked_at is null`;
  await tx.$executeRaw`
    update keelson.schedules set in_latest = false, next_at = null where tenant_id = ${id}::uuid and in_latest`;
  return true;
}

interface ListedTenant {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly limits: TenantLimitOverrides;
  readonly created_at: Date;
  readonly deleted_at: Date | null;
}

const TENANTS_LIST = { name: "tenants_list", text: "select * from keelson.tenants_list($1, $2)" };

/** All tenants that are not deleted, newest first; `before`: the last id of the page before. For the operator. */
export async function tenantList(
  db: Database,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<TenantRow>> {
  const found: TenantRow[] = [];
  const batch = page.limit + 1;
  let { before } = page;
  for (;;) {
    const rows: ListedTenant[] = await db.call<ListedTenant>(TENANTS_LIST, [before, batch]);
    for (const { created_at: createdAt, deleted_at: deletedAt, id, slug, name, limits } of rows) {
      if (deletedAt === null) found.push({ id, slug, name, limits, createdAt });
    }
    before = rows.at(-1)?.id ?? null;
    if (rows.length < batch || found.length > page.limit) return pageFrom(found, page.limit);
  }
}
