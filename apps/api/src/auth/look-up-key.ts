import { DEFAULT_TENANT_LIMITS, Scope } from "@keelson/contracts";
import { type Database, type FoundApiKey, apiKeyFind, apiKeyTouch, apiKeysFind } from "@keelson/db";
import type { Logger } from "@keelson/service-kit";
import type { KeyVerdict } from "./key-directory.ts";

export interface KeyLookUps {
  one(key: string): Promise<KeyVerdict>;
  /** In one statement; verdicts in the order of the keys. */
  all(keys: readonly string[]): Promise<readonly KeyVerdict[]>;
}

/** Finds keys in PostgreSQL, says what they are worth now, and notes that they were used. */
export function createKeyLookUps(deps: { readonly db: Database; readonly log: Logger }): KeyLookUps {
  function verdictOf(found: FoundApiKey | null): KeyVerdict {
    const verdict = judge(found, Date.now());
    if (verdict.kind === "caller") {
      apiKeyTouch(deps.db, verdict.caller.tenant.id, verdict.caller.apiKey.id).catch((error: unknown) => {
        deps.log.warn({ err: error }, "api_key.touch_failed");
      });
    }
    return verdict;
  }
  return {
    one: async (key) => verdictOf(await apiKeyFind(deps.db, key)),
    all: async (keys) => (await apiKeysFind(deps.db, keys)).map(verdictOf),
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
