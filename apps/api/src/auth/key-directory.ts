// Who a key belongs to, remembered for less than a second: so a revoked key is refused everywhere within a second even while
// Redis is away, and at once where its message arrives.
//  K1. What was looked up before a change was told of is not remembered after it.

import { hashApiKey } from "@keelson/db";
import { LRUCache } from "lru-cache";
import type { TenantCaller } from "./caller.ts";

export type KeyVerdict =
  | {
      readonly kind: "caller";
      readonly caller: TenantCaller;
      /** Null: it does not expire. */ readonly expiresInMs: number | null;
    }
  | { readonly kind: "refused"; readonly reason: "unknown" | "revoked" | "expired" | "tenantDeleted" };

export type Urgency = "now" | "queued";

export interface KeyDirectory {
  /** Look-ups of one key that come together share one statement. `queued`: it may wait, where it must be looked up. */
  find(key: string, urgency?: Urgency): Promise<KeyVerdict>;
  /** A key, or its tenant, has changed. */
  forget(ids: { readonly tenantId: string; readonly keyId?: string }): void;
  /** Changes may have been missed. */
  forgetAll(): void;
}

const TTL_MS = 900;
const MAX_KEYS = 10_000;

interface Remembered {
  readonly verdict: KeyVerdict;
  /** Before the look-up began. */
  readonly lookedUpAtMs: number;
}

export function createKeyDirectory(deps: {
  readonly lookUp: (key: string, urgency: Urgency) => Promise<KeyVerdict>;
  /** Milliseconds that never go back. */
  readonly monotonicMs: () => number;
}): KeyDirectory {
  const remembered = new LRUCache<string, Remembered>({ max: MAX_KEYS });
  const running = new Map<string, Promise<Remembered>>();
  let changes = 0;

  async function lookUp(key: string, id: string, urgency: Urgency): Promise<Remembered> {
    const changesBefore = changes;
    const lookedUpAtMs = deps.monotonicMs();
    const found = { verdict: await deps.lookUp(key, urgency), lookedUpAtMs };
    if (changes === changesBefore && found.verdict.kind === "caller") remembered.set(id, found);
    return found;
  }

  function changed(): void {
    changes++;
    running.clear();
  }

  return {
    async find(key, urgency = "now") {
      // Keys themselves are not kept in memory.
      const id = hashApiKey(key).toString("base64");
      const known = remembered.get(id);
      if (known !== undefined && deps.monotonicMs() - known.lookedUpAtMs < TTL_MS) {
        return unlessExpired(known, deps.monotonicMs());
      }
      const shared = running.get(id);
      if (shared !== undefined) return unlessExpired(await shared, deps.monotonicMs());
      const own = lookUp(key, id, urgency);
      running.set(id, own);
      try {
        return unlessExpired(await own, deps.monotonicMs());
      } finally {
        if (running.get(id) === own) running.delete(id);
      }
    },
    forget({ tenantId, keyId }) {
      changed();
      for (const [id, { verdict }] of remembered.entries()) {
        if (verdict.kind !== "caller" || verdict.caller.tenant.id !== tenantId) continue;
        if (keyId === undefined || verdict.caller.apiKey.id === keyId) remembered.delete(id);
      }
    },
    forgetAll() {
      changed();
      remembered.clear();
    },
  };
}

function unlessExpired({ verdict, lookedUpAtMs }: Remembered, nowMs: number): KeyVerdict {
  if (verdict.kind === "refused" || verdict.expiresInMs === null) return verdict;
  return nowMs - lookedUpAtMs < verdict.expiresInMs ? verdict : { kind: "refused", reason: "expired" };
}
