// What arrives for a session while it waits: effects' ends, wake-ups. One consumer.

export interface Mailbox<T> {
  put(item: T): void;
  take(): T | undefined;
  /** Something has arrived and was not taken. */
  readonly holds: boolean;
  /** Ends the present or the next wait, with nothing to take. */
  wake(): void;
  /** Resolves when something has arrived or was woken, or after `timeoutMs` (null: never by itself). */
  arrival(timeoutMs: number | null): Promise<void>;
}

/** The longest a timer of Node.js can wait; ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  let woken = false;
  let resolveWait: (() => void) | null = null;

  function wake(): void {
    woken = true;
    resolveWait?.();
  }

  return {
    wake,
    put(item) {
      items.push(item);
      resolveWait?.();
    },
    take: () => items.shift(),
    get holds() {
      return items.length > 0;
    },
    arrival(timeoutMs) {
      if (items.length > 0 || woken) {
        woken = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const timer = timeoutMs === null ? null : setTimeout(done, Math.min(Math.max(0, timeoutMs), MAX_TIMER_MS));
        function done(): void {
          if (timer !== null) clearTimeout(timer);
          resolveWait = null;
          woken = false;
          resolve();
        }
        resolveWait = done;
      });
    },
  };
}
