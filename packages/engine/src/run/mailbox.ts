// What arrives for a session while it waits: effects' ends, wake-ups. One consumer.
import type { Clock } from "./ports.ts";

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

export function createMailbox<T>(clock: Pick<Clock, "after">): Mailbox<T> {
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
        const giveUpWaiting = timeoutMs === null ? null : clock.after(timeoutMs, done);
        function done(): void {
          giveUpWaiting?.();
          resolveWait = null;
          woken = false;
          resolve();
        }
        resolveWait = done;
      });
    },
  };
}
