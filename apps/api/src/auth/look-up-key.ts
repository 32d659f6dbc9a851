import { DEFAULT_TENANT_LIMITS, Scope } from "@keelson/contracts";
import { type Database, type FoundApiKey, apiKeyFind, apiKeyTouch } from "@keelson/db";
import type { Logger } from "@keelson/service-kit";
import type { KeyVerdict } from "./key-directory.ts";

/** Finds a key in PostgreSQL, says what it is worth now, and notes that it was used. */
export function createKeyLookUp(deps: { readonly db: Database; readonly log: Logger }) {
  return async (key: string): Promise<KeyVerdict> => {
    const found = await apiKeyFind(deps.db, key);
    const verdict = judge(found, Date.now());
    if (verdict.kind === "caller") {
      apiKeyTouch(deps.db, verdict.caller.tenant.id, verdict.caller.apiKey.id).catch((error: unknown) => {
        deps.log.warn({ err: error }, "api_key.touch_failed");
      });
    }
    return verdict;
  };
}

function judge(found: FoundApiKey | null, nowMs: number): KeyVerdict {
  if (found === null) return { kind: "refused", reason: "unknown" };
  if (found.tenant.deletedAt !== null) return { kind: "refused", reason: "tenantDeleted" };
  if (found.revokedAt !== null) return { kind: "refused", reason: "revoked" };
  const expiresInMs = found.expiresAt === null ? null : found.expiresAt.getTime() - nowMs;
  if (expiresInMs !== null && expiresInMs <= 0) return { kind: "refused", reason: "expired" };
  const { id, name, prefix, expiresAt } = found;
  return {
    kind: "caller",
    expiresInMs,
    caller: {
      kind: "apiKey",
      tenant: { id: found.tenantId, slug: found.tenant.slug, name: found.tenant.name },
      limits: { ...DEFAULT_TENANT_LIMITS, ...found.tenant.limits },
      apiKey: { id, name, prefix, scopes: found.scopes.map((scope) => Scope.parse(scope)), expiresAt },
    },
  };
}
