// The life of a service's process. Owns signals, the exit code, and the order of a stop:
// readiness off → stop accepting → drain within the grace time → close → exit 0.
//  L1. A second signal, or the end of the grace time, ends the process with 1 at once.
//  L2. What nobody caught ends it with 1: another process goes on from PostgreSQL.

import type { Logger } from "./logger.ts";

export interface RunningService {
  /** Stops taking work and resolves when the running work has ended; when `signal` aborts, lets go of what is left. */
  drain(signal: AbortSignal): Promise<void>;
  /** Closes pools and connections; called once, after `drain`, also where that failed. */
  close(): Promise<void>;
}

/** Part of the grace time that is left for `close` after `drain` was told to let go. */
const CLOSE_RESERVE_MS = 3_000;
const DEFAULT_GRACE_MS = 25_000;

/**
 * Starts a service and stays with it until SIGTERM or SIGINT, or until its parent's IPC channel closes; then stops it and
 * exits. `stopping` aborts as soon as a stop is asked for, also during `start`. Never returns to a caller that could go on.
 */
export async function runService(options: {
  /** As the logs of its start and stop name it. */
  readonly name: string;
  readonly log: Logger;
  /** For the whole stop, in ms; default 25 s. */
  readonly graceMs?: number;
  readonly start: (context: { readonly stopping: AbortSignal }) => Promise<RunningService>;
}): Promise<void> {
  const { name, log, graceMs = DEFAULT_GRACE_MS } = options;
  const stopAsked = watchProcess(log);
  let service: RunningService;
  try {
    service = await options.start({ stopping: stopAsked });
  } catch (error) {
    log.fatal({ name, err: error }, "service.start_failed");
    return process.exit(1);
  }
  log.info({ name }, "service.started");
  if (!stopAsked.aborted) await aborted(stopAsked);
  log.info({ name, reason: stopAsked.reason, grace_ms: graceMs }, "service.stopping");
  setTimeout(() => {
    log.error({ grace_ms: graceMs }, "service.stop_timed_out");
    process.exit(1);
  }, graceMs);
  const failures = await stop(service, AbortSignal.timeout(Math.max(0, graceMs - CLOSE_RESERVE_MS)));
  for (const error of failures) log.error({ err: error }, "service.stop_failed");
  log.info({ name }, "service.stopped");
  return process.exit(failures.length === 0 ? 0 : 1);
}

/** Aborts at the first wish to stop; ends the process at the second, and at whatever nobody caught. */
function watchProcess(log: Logger): AbortSignal {
  const stopAsked = new AbortController();
  const onSignal = (signal: string) => {
    if (stopAsked.signal.aborted) {
      log.warn({ reason: signal }, "service.stop_forced");
      process.exit(1);
    }
    stopAsked.abort(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  // A parent that dies says nothing but closes its channel; its pipes may break, which must not end a drain half-way.
  process.on("disconnect", () => stopAsked.abort("disconnect"));
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
  process.on("uncaughtException", (error, origin) => {
    log.fatal({ err: error, origin }, "service.crashed");
    process.exit(1);
  });
  return stopAsked.signal;
}

async function stop(service: RunningService, letGo: AbortSignal): Promise<readonly unknown[]> {
  const drained = await Promise.allSettled([service.drain(letGo)]);
  const closed = await Promise.allSettled([service.close()]);
  return [...drained, ...closed].flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
}

async function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
