// Whether somebody wants this process to stop: a signal, or the end of the npm that started it.

const WATCH_MS = 500;
const EXIT_CODES: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

export interface StopWish {
  /** Aborts once; its reason is the signal's name. */
  readonly signal: AbortSignal;
  readonly wished: Promise<string>;
}

/**
 * Signals are caught from now on. npm passes on what its whole group got as well, so a second one is no second wish: the
 * stop itself is bounded. An npm that was killed leaves nobody who could pass on anything.
 */
export function watchStopWish(): StopWish {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<string>();
  const wish = (reason: string): void => {
    resolve(reason);
    controller.abort(reason);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => wish(name));
  // Whoever read the output may be gone before the stop is over.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  if (process.env["npm_lifecycle_event"] !== undefined) {
    const parent = process.ppid;
    const timer = setInterval(() => {
      if (process.ppid !== parent) wish("npm died");
    }, WATCH_MS);
    timer.unref();
  }
  return { signal: controller.signal, wished: promise };
}

/** Of a process that was told to stop before it was done. */
export function exitCodeOf(aborted: AbortSignal): number {
  return EXIT_CODES[String(aborted.reason)] ?? 1;
}
