// API keys: only their SHA-256 is stored.

import type { Scope } from "@keelson/contracts";
import type { Database, TenantTx } from "../database.ts";
import { type Page, pageFrom } from "./page.ts";
import type { TenantLimitOverrides } from "./tenants.ts";

export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export async function apiKeyCreate(
  tx: TenantTx,
  tenantId: string,
  key: {
    readonly id: string;
    readonly hash: Uint8Array<ArrayBuffer>;
    readonly prefix: string;
    readonly name: string;
    readonly scopes: readonly Scope[];
    readonly expiresAt: Date | null;
  },
): Promise<ApiKeyRow> {
  const [row] = await tx.$queryRaw<ApiKeyRow[]>`
    insert into keelson.api_keys (tenant_id, id, hash, prefix, name, scopes, expires_at)
    values (${tenantId}::uuid, ${key.id}::uuid, ${key.hash}, ${key.prefix}, ${key.name}, ${key.scopes}::text[],
      ${key.expiresAt}::timestamptz)
    returning id, name, prefix, scopes, created_at as "createdAt", expires_at as "expiresAt",
      last_used_at as "lastUsedAt"`;
  if (row === undefined) throw new Error("PostgreSQL returned no row for a new API key");
  return row;
}

/** Those that are not revoked, newest first; `before`: the last id of the page before. */
export async function apiKeyList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ApiKeyRow>> {
  const rows = await tx.$queryRaw<ApiKeyRow[]>`
    select id, name, prefix, scopes, created_at as "createdAt", expires_at as "expiresAt", last_used_at as "lastUsedAt"
    from keelson.api_keys
    where tenant_id = ${tenantId}::uuid and revoked_at is null
      and (${page.before}::uuid is null or id < ${page.before}::uuid)
    order by id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

/** The key's name; null: there is none, or it is revoked already. */
export async function apiKeyRevoke(tx: TenantTx, tenantId: string, id: string): Promise<string | null> {
  const rows = await tx.$queryRaw<{ name: string }[]>`
    update keelson.api_keys set revoked_at = now()
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid and revoked_at is null
    returning name`;
  return rows[0]?.name ?? null;
}

/** A key as `api_key_find` knows it, before its tenant is known. */
export interface FoundApiKey {
  readonly tenant_id: string;
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly tenant_slug: string;
  readonly tenant_name: string;
  readonly limits: TenantLimitOverrides;
  readonly tenant_deleted_at: Date | null;
  /** PostgreSQL's time of the look-up, to which `expires_at` compares. */
  readonly now_at: Date;
}

const FIND = { name: "api_key_find", text: "select * from keelson.api_key_find($1)" };
const TOUCH = { name: "api_key_touch", text: "select keelson.api_key_touch($1, $2)" };

/** The key with this SHA-256, revoked and expired ones too. */
export async function apiKeyFind(db: Database, hash: Uint8Array): Promise<FoundApiKey | null> {
  const rows = await db.call<FoundApiKey>(FIND, [Buffer.from(hash)]);
  return rows[0] ?? null;
}

/** Notes that a key was used; writes once a minute at the most. */
export async function apiKeyTouch(db: Database, tenantId: string, id: string): Promise<void> {
  await db.call(TOUCH, [tenantId, id]);
}
