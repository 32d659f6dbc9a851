// Look-ups that come before the tenant is known: narrow functions of the owner's, each answering about one row.
import { createHash } from "node:crypto";
import type { Database, HotQuery } from "./database.ts";

/** Index api_keys_hash_key. */
const API_KEY: HotQuery = { name: "api_key_find", text: "select * from keelson.api_key_find($1)" };
const API_KEYS: HotQuery = {
  name: "api_keys_find",
  text:
    "select asked.n::int as n, found.* from unnest($1::bytea[]) with ordinality as asked (hash, n), " +
    "lateral keelson.api_key_find(asked.hash) found",
};
const TOUCH: HotQuery = { name: "api_key_touch", text: "select keelson.api_key_touch($1, $2)" };
/** Index hooks_id_key. */
const HOOK: HotQuery = { name: "hook_find", text: "select * from keelson.hook_find($1)" };
const TENANTS: HotQuery = { name: "tenants_list", text: "select * from keelson.tenants_list($1, $2)" };

export interface TenantLimits {
  readonly apiPerMinute?: number;
  readonly webhookPerMinute?: number;
  readonly unfinishedExecutions?: number;
}

export interface FoundApiKey {
  readonly tenantId: string;
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly tenant: {
    readonly slug: string;
    readonly name: string;
    readonly limits: TenantLimits;
    readonly deletedAt: Date | null;
  };
}

interface ApiKeyRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: string[];
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly tenant_slug: string;
  readonly tenant_name: string;
  readonly limits: TenantLimits;
  readonly tenant_deleted_at: Date | null;
}

export function hashApiKey(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

/** The key with this text, revoked and expired ones too: the caller says why it refuses. */
export async function apiKeyFind(db: Database, key: string): Promise<FoundApiKey | null> {
  const [row] = await db.call<ApiKeyRow>(API_KEY, [hashApiKey(key)]);
  return row === undefined ? null : foundKey(row);
}

/** The same for several keys in one statement, in their order. */
export async function apiKeysFind(db: Database, keys: readonly string[]): Promise<(FoundApiKey | null)[]> {
  const rows = await db.call<ApiKeyRow & { readonly n: number }>(API_KEYS, [keys.map(hashApiKey)]);
  const found = new Map(rows.map((row) => [row.n, foundKey(row)]));
  return keys.map((_, at) => found.get(at + 1) ?? null);
}

function foundKey(row: ApiKeyRow): FoundApiKey {
  return {
    tenantId: row.tenant_id,
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    tenant: { slug: row.tenant_slug, name: row.tenant_name, limits: row.limits, deletedAt: row.tenant_deleted_at },
  };
}

/** Notes that the key was used, once a minute at most. */
export async function apiKeyTouch(db: Database, tenantId: string, id: string): Promise<void> {
  await db.call(TOUCH, [tenantId, id]);
}

export interface FoundHook {
  readonly tenantId: string;
  readonly hookId: string;
  readonly workflowId: string;
  readonly triggerId: string;
  readonly workflowName: string;
  readonly workflowStatus: "active" | "paused" | "archived";
  /** The latest version: its settings hold. */
  readonly versionId: string;
  readonly version: number;
  readonly limits: TenantLimits;
  readonly tenantDeletedAt: Date | null;
}

interface HookRow {
  readonly tenant_id: string;
  readonly hook_id: string;
  readonly workflow_id: string;
  readonly trigger_id: string;
  readonly workflow_name: string;
  readonly workflow_status: FoundHook["workflowStatus"];
  readonly version_id: string;
  readonly version: number;
  readonly limits: TenantLimits;
  readonly tenant_deleted_at: Date | null;
}

export async function hookFind(db: Database, hookId: string): Promise<FoundHook | null> {
  const [row] = await db.call<HookRow>(HOOK, [hookId]);
  if (row === undefined) return null;
  return {
    tenantId: row.tenant_id,
    hookId: row.hook_id,
    workflowId: row.workflow_id,
    triggerId: row.trigger_id,
    workflowName: row.workflow_name,
    workflowStatus: row.workflow_status,
    versionId: row.version_id,
    version: row.version,
    limits: row.limits,
    tenantDeletedAt: row.tenant_deleted_at,
  };
}

export interface TenantRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly limits: TenantLimits;
  readonly createdAt: Date;
  readonly deletedAt: Date | null;
}

/** The operator's list of tenants, newest first; `before`: the last id of the page before. */
export async function tenantsList(db: Database, before: string | null, limit: number): Promise<TenantRow[]> {
  const rows = await db.call<{
    id: string;
    slug: string;
    name: string;
    limits: TenantLimits;
    created_at: Date;
    deleted_at: Date | null;
  }>(TENANTS, [before, limit]);
  return rows.map(({ created_at: createdAt, deleted_at: deletedAt, ...row }) => ({ ...row, createdAt, deletedAt }));
}
