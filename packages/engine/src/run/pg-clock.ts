// PostgreSQL's time, estimated between the ticks that tell it: only its clock is ever compared with a due time.
import type { Clock } from "./ports.ts";

export interface CalibratedClock extends Clock {
  /** PostgreSQL said `nowAt` in an answer that was asked for and came at these monotonic times. */
  calibrate(nowAt: number, sentMs: number, receivedMs: number): void;
}

/** `newId` yields UUIDv7s. Before the first calibration the host's clock stands in. */
export function createPgClock(newId: () => string): CalibratedClock {
  const monotonicMs = (): number => performance.now();
  let offsetMs = Date.now() - monotonicMs();
  return {
    monotonicMs,
    nowAt: () => Math.round(monotonicMs() + offsetMs),
    random: Math.random,
    newId,
    calibrate(nowAt, sentMs, receivedMs) {
      offsetMs = nowAt - (sentMs + receivedMs) / 2;
    },
  };
}
