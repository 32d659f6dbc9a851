// Whose hints were let go by, since enough of that tenant waited here already. They must not stand in a queue: behind them
// would stand everybody else's. What they named is a row in PostgreSQL, and is asked for once there is room again, many
// at a time.
import type { ExecutionRef, ExecutionStore } from "./ports.ts";

export interface Backlog {
  /** A hint of this tenant was let go by. */
  note(tenantId: string): void;
  /** There is more of this tenant, all of it due before what a hint names now: that has to be let go by, too. */
  has(tenantId: string): boolean;
  /** Room may have come for this tenant: asks PostgreSQL for more of it, if there is more and nobody is asking. */
  refill(tenantId: string): void;
  /** The same for all of them; to be called now and then. */
  refillAll(): void;
}

export function createBacklog(deps: {
  readonly store: Pick<ExecutionStore, "due">;
  /** How many of this tenant to ask for; 0: not now. */
  readonly roomFor: (tenantId: string) => number;
  /** As many as there was room for. */
  readonly offer: (ref: ExecutionRef) => void;
  readonly onError: (error: unknown) => void;
}): Backlog {
  const tenants = new Set<string>();
  const asking = new Set<string>();

  async function ask(tenantId: string, limit: number): Promise<void> {
    asking.add(tenantId);
    // Noted again from here on: there may be more than this finds.
    tenants.delete(tenantId);
    try {
      const refs = await deps.store.due(tenantId, limit);
      if (refs.length >= limit) tenants.add(tenantId);
      for (const ref of refs) deps.offer(ref);
    } catch (error) {
      tenants.add(tenantId);
      deps.onError(error);
    } finally {
      asking.delete(tenantId);
    }
  }

  function refill(tenantId: string): void {
    if (!tenants.has(tenantId) || asking.has(tenantId)) return;
    const room = deps.roomFor(tenantId);
    if (room > 0) void ask(tenantId, room);
  }

  return {
    note: (tenantId) => void tenants.add(tenantId),
    has: (tenantId) => tenants.has(tenantId),
    refill,
    refillAll: () => [...tenants].forEach(refill),
  };
}
