import { type CreatedApiKey, DEFAULT_TENANT_LIMITS, type Tenant } from "@keelson/contracts";
import type { ApiKeyRecord, TenantRecord } from "@keelson/db";
import { presentApiKey } from "../api-keys/present.ts";

export function presentTenant({ id, slug, name, limits, createdAt }: TenantRecord): Tenant {
  return { id, slug, name, limits: { ...DEFAULT_TENANT_LIMITS, ...limits }, createdAt: createdAt.toISOString() };
}

/** The one time that the key is shown. */
export function presentCreatedKey(record: ApiKeyRecord, key: string): CreatedApiKey {
  return { ...presentApiKey(record), key };
}
