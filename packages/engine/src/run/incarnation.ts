// A worker's life as PostgreSQL knows it: one row, renewed every second, on which all its leases hang.
// A worker that cannot renew stops before the lease can expire; an incarnation once dead never returns.
import { failPoint } from "@keelson/contracts";
import type { Clock, LeaseStore, OwnedLease } from "./ports.ts";

/** What is taken off the lease's time, so that this worker stops well before another may begin; ms. */
export const LEASE_MARGIN_MS = 2000;

export interface Incarnation {
  readonly workerId: string;
  isLive(): boolean;
  /** Renews; what PostgreSQL says it owns, or null once this incarnation is dead. */
  tick(): Promise<readonly OwnedLease[] | null>;
}

export interface IncarnationDeps {
  readonly leases: LeaseStore;
  readonly clock: Clock;
  /** Told PostgreSQL's time with the registration and each renewal: nothing is claimed by a clock that does not know it. */
  readonly calibrate: (nowAt: number, sentMs: number, receivedMs: number) => void;
}

/** Registers a new incarnation. Rejects where PostgreSQL cannot be reached. */
export async function beginIncarnation(deps: IncarnationDeps, name: string, ttlMs: number): Promise<Incarnation> {
  let renewedMs = deps.clock.monotonicMs();
  let dead = false;
  const { workerId, nowAt } = await deps.leases.register(name, ttlMs);
  deps.calibrate(nowAt, renewedMs, deps.clock.monotonicMs());
  const marginMs = Math.min(LEASE_MARGIN_MS, ttlMs / 3);

  return {
    workerId,
    // Counted from before the renewal was sent: PostgreSQL's count began later.
    isLive: () => !dead && deps.clock.monotonicMs() < renewedMs + ttlMs - marginMs,
    async tick() {
      const sentMs = deps.clock.monotonicMs();
      const answer = await deps.leases.tick(workerId, ttlMs);
      failPoint("worker.lease.renewed");
      if (!answer.alive) {
        dead = true;
        return null;
      }
      deps.calibrate(answer.nowAt, sentMs, deps.clock.monotonicMs());
      renewedMs = sentMs;
      return answer.owned;
    },
  };
}
