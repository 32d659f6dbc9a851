// What the measurements of scaling come to: pure.
import type { Repeat } from "../target-process.ts";

/** Of all that is there of it, so much is as good as all. */
const FULL_SHARE = 0.9;
/** Workers are at their places' limit when so much of what the places carry at the most is done. */
const BUSY_SHARE = 0.8;
/** The target may hear of a request a moment after the kill: it was on its way. And an answer takes a moment to be committed. */
const ON_ITS_WAY_MS = 250;

/** Of those at these times, how many a second within [fromMs, untilMs). */
export function rateWithin(timesMs: readonly number[], fromMs: number, untilMs: number): number {
  return (timesMs.filter((at) => at >= fromMs && at < untilMs).length * 1000) / (untilMs - fromMs);
}

export interface Load {
  readonly perSecond: number;
  readonly workers: number;
  readonly concurrency: number;
  readonly delayMs: number;
  /** Of the machine, 0 to 1; null where unknown. */
  readonly cpuShare: number | null;
  /** In cores. */
  readonly cpuPostgres: number | null;
  readonly connections: number;
  readonly maxConnections: number;
}

export type Limit = "connections" | "CPU" | "places" | "none seen";

/** The most that the workers' places can carry: each is held for the target's delay at least. */
export function placesCarry({ workers, concurrency, delayMs }: Load): number {
  return (workers * concurrency * 1000) / delayMs;
}

/** What keeps it from being more. */
export function limitOf(load: Load): Limit {
  if (load.connections >= load.maxConnections * FULL_SHARE) return "connections";
  if (load.cpuShare !== null && load.cpuShare >= FULL_SHARE) return "CPU";
  return load.perSecond >= placesCarry(load) * BUSY_SHARE ? "places" : "none seen";
}

/** Keys that came again although nobody was killed while they were on their way: no attempt may do that. */
export function repeatedWithoutCause(repeats: readonly Repeat[], killedAtMs: number, delayMs: number): Repeat[] {
  return repeats.filter(({ at: [first = 0, ...again] }) => {
    const inFlight = first <= killedAtMs + ON_ITS_WAY_MS && first >= killedAtMs - delayMs - ON_ITS_WAY_MS;
    return !inFlight || again.length > 1;
  });
}

/** How long after the kill what it cut off came again, ascending. */
export function againAfterMs(repeats: readonly Repeat[], killedAtMs: number): number[] {
  return repeats.flatMap(({ at: [, ...again] }) => again.map((at) => at - killedAtMs)).toSorted((a, b) => a - b);
}
