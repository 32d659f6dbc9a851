// Strikes faults by a seeded schedule and keeps what was struck when, so that effects and recoveries can be laid beside it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "./cluster.ts";
import { FAULT_KINDS, type FaultKind, type Struck } from "./faults.ts";
import type { Random } from "./random.ts";

export interface InjectedFault {
  readonly n: number;
  readonly kind: FaultKind;
  /** ms since the epoch. */
  readonly at: number;
  /** When the world was as before; null: it is not yet. */
  endedAt: number | null;
  what: string;
  /** Executions that a worker held then and that the fault struck. */
  struck: readonly { readonly id: string; readonly epoch: number }[];
  /** Of one worker alone. */
  workerPid: number | null;
}

export interface FaultDriver {
  readonly injected: readonly InjectedFault[];
  /** Strikes all, about so far apart, and resolves when the last one is over. */
  run(count: number, gapMs: number, signal: AbortSignal): Promise<void>;
}

export function createFaultDriver(cluster: Cluster, random: Random, log: (line: string) => void): FaultDriver {
  const injected: InjectedFault[] = [];

  async function inject(kind: FaultKind, n: number): Promise<void> {
    const fault: InjectedFault = { n, kind, at: Date.now(), endedAt: null, what: "", struck: [], workerPid: null };
    injected.push(fault);
    const hits = async (struck: Struck): Promise<void> => {
      if (struck !== "everybody") fault.workerPid = struck.workerPid;
      fault.struck = await heldBy(cluster, struck);
    };
    fault.what = await kind.strike(cluster, random, hits).catch((error: unknown) => `could not: ${String(error)}`);
    fault.endedAt = Date.now();
    log(`fault ${n + 1}: ${kind.name} ${fault.what} (${fault.struck.length} executions struck)`);
  }

  return {
    injected,
    async run(count, gapMs, signal) {
      const deck: FaultKind[] = [];
      const under: Promise<void>[] = [];
      for (let n = 0; n < count && !signal.aborted; n += 1) {
        if (deck.length === 0) deck.push(...newDeck(random));
        const kind = deck.pop();
        if (kind === undefined) break;
        under.push(inject(kind, n));
        await sleep(gapMs * (0.5 + random.next()), undefined, { signal }).catch(() => undefined);
      }
      await Promise.all(under);
    },
  };
}

/** Every kind at least once in a deck, the frequent ones more often; the first cards are all different. */
function newDeck(random: Random): FaultKind[] {
  const again = FAULT_KINDS.flatMap((kind) => Array.from({ length: kind.weight - 1 }, () => kind));
  return [...random.shuffled(again), ...random.shuffled(FAULT_KINDS)];
}

async function heldBy({ engine }: Cluster, struck: Struck): Promise<InjectedFault["struck"]> {
  return (
    engine
      .query<{ id: string; epoch: number }>(
        `select e.id, e.epoch::int from keelson.executions e join keelson.workers w on w.id = e.owner
       where $1::text is null or w.name = $1`,
        [struck === "everybody" ? null : `worker-${struck.workerPid}`],
      )
      // PostgreSQL may be struck by another fault just now.
      .catch(() => [])
  );
}
