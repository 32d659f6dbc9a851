// PostgreSQL's time, estimated between the ticks that tell it: only its clock is ever compared with a due time.
//  C1. An answer says that its time lay between asking and answering: an estimate that agrees is left as it is, any other
//      moves no further than to agree, so that a slow answer does not make it worse.
//  C2. What `nowAt` has said it never goes behind: where it was ahead it goes at half its pace until it is so no more.
import type { Clock } from "./ports.ts";

export interface CalibratedClock extends Clock {
  /** PostgreSQL said `nowAt` in an answer that was asked for and came at these monotonic times. */
  calibrate(nowAt: number, sentMs: number, receivedMs: number): void;
}

/** Beyond this PostgreSQL's clock was set, or another serves in its place: due times are that one's, and it is followed at once. */
const FARTHEST_AHEAD_MS = 10_000;

/** The longest a timer of Node.js can wait; ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The host's own timers. */
export function after(delayMs: number, call: () => void): () => void {
  const timer = setTimeout(call, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
  timer.unref();
  return () => clearTimeout(timer);
}

/** `newId` yields UUIDv7s. Before the first calibration the host's clock stands in. */
export function createPgClock(
  newId: () => string,
  monotonicMs: () => number = () => performance.now(),
): CalibratedClock {
  let offsetMs = Date.now() - monotonicMs();
  let calibrated = false;
  /** How far what was said lay ahead of the estimate, at that monotonic time. */
  let ahead = { ms: 0, atMs: 0 };

  function sayAt(atMs: number): number {
    return atMs + offsetMs + Math.max(0, ahead.ms - (atMs - ahead.atMs) / 2);
  }

  return {
    monotonicMs,
    after,
    nowAt: () => Math.round(sayAt(monotonicMs())),
    random: Math.random,
    newId,
    calibrate(nowAt, sentMs, receivedMs) {
      const least = nowAt - receivedMs;
      const most = nowAt - sentMs;
      const atMs = monotonicMs();
      const said = calibrated ? sayAt(atMs) : null;
      offsetMs = calibrated ? Math.min(Math.max(offsetMs, least), most) : (least + most) / 2;
      calibrated = true;
      const aheadMs = said === null ? 0 : said - (atMs + offsetMs);
      ahead = { ms: aheadMs > FARTHEST_AHEAD_MS ? 0 : Math.max(0, aheadMs), atMs };
    },
  };
}
