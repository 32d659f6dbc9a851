// API keys: only their SHA-256 is stored.

import { Scope } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { type Page, pageFrom } from "./page.ts";

export interface ApiKeyRecord {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface NewApiKeyRecord {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly prefix: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
}

export async function apiKeyCreate(tx: TenantTx, tenantId: string, key: NewApiKeyRecord): Promise<ApiKeyRecord> {
  const row = await tx.apiKey.create({
    data: { ...key, tenantId, hash: new Uint8Array(key.hash), scopes: [...key.scopes] },
  });
  return recordOf(row);
}

/** Those that are not revoked, newest first; `before`: the last id of the page before. */
export async function apiKeyList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ApiKeyRecord>> {
  const rows = await tx.apiKey.findMany({
    where: { tenantId, revokedAt: null, ...(page.before === null ? {} : { id: { lt: page.before } }) },
    orderBy: { id: "desc" },
    take: page.limit + 1,
  });
  return pageFrom(rows.map(recordOf), page.limit);
}

/** The key's name; null: there is none, or it is revoked already. */
export async function apiKeyRevoke(tx: TenantTx, tenantId: string, id: string): Promise<string | null> {
  const [row] = await tx.apiKey.updateManyAndReturn({
    where: { tenantId, id, revokedAt: null },
    data: { revokedAt: new Date() },
    select: { name: true },
  });
  return row?.name ?? null;
}

function recordOf(row: Omit<ApiKeyRecord, "scopes"> & { readonly scopes: readonly string[] }): ApiKeyRecord {
  const { id, name, prefix, createdAt, expiresAt, lastUsedAt } = row;
  return { id, name, prefix, scopes: row.scopes.map((scope) => Scope.parse(scope)), createdAt, expiresAt, lastUsedAt };
}
