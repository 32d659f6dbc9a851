// How many executions a worker carries at once, and whose turn it is: tenants take turns, whoever asked first or most.
// One execution that has cost two workers their lives runs alone, so that its neighbours are not convicted with it (T13).

export interface Admission {
  readonly active: number;
  /** Those that wait for room. */
  readonly waiting: number;
  /** Those of one tenant. */
  waitingOf(tenantId: string): number;
  /** How many more of one tenant may wait here: what waits in all is bounded, and shared among those who wait. */
  roomFor(tenantId: string): number;
  /** Resolves when there is room and it is the tenant's turn; call the answer once the execution is done with. */
  enter(tenantId: string): Promise<() => void>;
  /**
   * Waits until nothing else runs here, and lets nothing else in until `work` has ended. Null, and nothing is done, where
   * somebody else runs alone or waits to.
   */
  alone<T>(work: () => Promise<T>): Promise<T> | null;
}

/** Beyond its capacity a worker has an eighth of it for tenants who have nothing in progress here. */
const RESERVE_OF_CAPACITY = 8;
/** What waits in all, in capacities. */
const WAITING_OF_CAPACITY = 2;

export function createAdmission(capacity: number): Admission {
  const reserve = Math.ceil(capacity / RESERVE_OF_CAPACITY);
  /** By tenant, in the order of their turns. */
  const waiting = new Map<string, (() => void)[]>();
  const activeOf = new Map<string, number>();
  let waitingCount = 0;
  let active = 0;
  let closed = false;
  let emptied: (() => void) | null = null;

  function admit(): void {
    while (!closed && active < capacity + reserve) {
      const tenantId = nextTenant();
      if (tenantId === undefined) return;
      const line = waiting.get(tenantId) ?? [];
      const next = line.shift();
      waiting.delete(tenantId);
      if (line.length > 0) waiting.set(tenantId, line); // behind all others
      if (next === undefined) continue;
      waitingCount -= 1;
      active += 1;
      activeOf.set(tenantId, (activeOf.get(tenantId) ?? 0) + 1);
      next();
    }
  }

  function nextTenant(): string | undefined {
    if (active < capacity) return waiting.keys().next().value;
    for (const tenantId of waiting.keys()) if (!activeOf.has(tenantId)) return tenantId;
    return undefined;
  }

  function leave(tenantId: string): void {
    active -= 1;
    const left = (activeOf.get(tenantId) ?? 1) - 1;
    if (left > 0) activeOf.set(tenantId, left);
    else activeOf.delete(tenantId);
    if (active === 0) emptied?.();
    admit();
  }

  async function runAlone<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (active > 0) await new Promise<void>((resolve) => (emptied = resolve));
      return await work();
    } finally {
      emptied = null;
      closed = false;
      admit();
    }
  }

  const waitingOf = (tenantId: string): number => waiting.get(tenantId)?.length ?? 0;

  return {
    get active() {
      return active;
    },
    get waiting() {
      return waitingCount;
    },
    waitingOf,
    roomFor(tenantId) {
      const tenants = waiting.size + (waiting.has(tenantId) ? 0 : 1);
      const share = Math.max(1, Math.floor((WAITING_OF_CAPACITY * capacity) / tenants));
      return Math.max(0, share - waitingOf(tenantId));
    },
    async enter(tenantId) {
      await new Promise<void>((resolve) => {
        const line = waiting.get(tenantId) ?? [];
        line.push(resolve);
        waiting.set(tenantId, line);
        waitingCount += 1;
        admit();
      });
      let left = false;
      return () => {
        if (!left) leave(tenantId);
        left = true;
      };
    },
    alone(work) {
      if (closed) return null;
      closed = true;
      return runAlone(work);
    },
  };
}
