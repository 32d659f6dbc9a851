// How many executions a worker carries at once; and one that has cost two workers their lives runs alone,
// so that its neighbours are not convicted with it (T13).

export interface Admission {
  readonly active: number;
  /** Those that wait for room. */
  readonly waiting: number;
  /** Resolves when there is room; call the answer once the execution is done with. */
  enter(): Promise<() => void>;
  /** Waits until nothing else runs here, and lets nothing else in until `work` has ended. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createAdmission(capacity: number): Admission {
  const waiting: (() => void)[] = [];
  let active = 0;
  let closed = 0;
  let lastAlone: Promise<unknown> = Promise.resolve();
  let emptied: (() => void) | null = null;

  function admit(): void {
    while (closed === 0 && active < capacity) {
      const next = waiting.shift();
      if (next === undefined) return;
      active += 1;
      next();
    }
  }

  function leave(): void {
    active -= 1;
    if (active === 0) emptied?.();
    admit();
  }

  async function runAlone<T>(work: () => Promise<T>): Promise<T> {
    if (active > 0) await new Promise<void>((resolve) => (emptied = resolve));
    emptied = null;
    return work();
  }

  return {
    get active() {
      return active;
    },
    get waiting() {
      return waiting.length;
    },
    async enter() {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        admit();
      });
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
    async alone(work) {
      closed += 1;
      const turn = lastAlone.then(() => runAlone(work));
      lastAlone = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        closed -= 1;
        admit();
      }
    },
  };
}
