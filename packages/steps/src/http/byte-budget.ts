// Bounds what all answers together may hold in memory. A share is taken once and whole, so that none who holds one
// waits for another (no deadlock); those who wait are served in order, and read nothing meanwhile.

export interface ByteBudget {
  /**
   * Waits until the bytes are free, then holds them until the answer is called. More than the whole budget counts as
   * the whole. Rejects with the signal's reason when it is aborted.
   */
  take(bytes: number, signal: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly bytes: number;
  readonly admit: () => void;
}

export function createByteBudget(totalBytes: number): ByteBudget {
  let free = totalBytes;
  const queue = new Set<Waiting>();

  function admitNext(): void {
    for (const waiting of queue) {
      if (waiting.bytes > free) return;
      queue.delete(waiting);
      free -= waiting.bytes;
      waiting.admit();
    }
  }

  return {
    take(wanted, signal) {
      const bytes = Math.min(wanted, totalBytes);
      return new Promise((resolve, reject) => {
        const leave = () => {
          queue.delete(waiting);
          reject(signal.reason);
          admitNext();
        };
        const admit = () => {
          signal.removeEventListener("abort", leave);
          let isHeld = true;
          resolve(() => {
            if (!isHeld) return;
            isHeld = false;
            free += bytes;
            admitNext();
          });
        };
        const waiting: Waiting = { bytes, admit };
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        signal.addEventListener("abort", leave, { once: true });
        queue.add(waiting);
        admitNext();
      });
    },
  };
}
