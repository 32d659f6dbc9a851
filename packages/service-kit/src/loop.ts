// A loop is one run, tested by itself, and this driver: interval, errors, stop.

export interface Loop {
  /** No further run begins; resolves when the present one has ended. */
  stop(): Promise<void>;
}

/** Runs `runOnce` at once, and again `intervalMs` after each end. A run that rejects is told of and does not end the loop. */
export function startLoop(options: {
  readonly intervalMs: number;
  readonly runOnce: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}): Loop {
  let stopped = false;
  let wake: (() => void) | null = null;

  async function drive(): Promise<void> {
    while (!stopped) {
      await options.runOnce().catch(options.onError);
      if (!stopped) await pause();
    }
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, options.intervalMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const driving = drive();
  return {
    stop() {
      stopped = true;
      wake?.();
      return driving;
    },
  };
}
