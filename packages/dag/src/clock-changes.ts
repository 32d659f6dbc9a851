// What the clock changes of the coming year do to a schedule: told at save, while somebody is looking. Nothing is assumed
// of how a gap or a repeated hour is dealt with: what `nextFireTimes` really yields is held against the local times that
// the expression names.

import { nextFireTimes, previousFireTimes } from "./cron.ts";
import { type DefinitionProblem, type Path, pointer } from "./problem.ts";
import { type ZoneTransition, zoneTransitions } from "./zone-transitions.ts";

const AHEAD_MS = 365 * 24 * 60 * 60 * 1000;
/** Local times named in one sentence. */
const MAX_NAMED = 3;

/** A schedule as `checkCron` has passed it. */
export interface ZonedCron {
  readonly cron: string;
  readonly timezone: string;
}

/**
 * `CLOCK_CHANGE_SKIPS` and `CLOCK_CHANGE_REPEATS` for each change within a year from `now` that makes this schedule fire at
 * another time, not at all, or at a local time that occurs twice. None where an interval keeps its rhythm.
 */
export function clockChangeWarnings(schedule: ZonedCron, now: Date, path: Path): DefinitionProblem[] {
  const until = new Date(now.getTime() + AHEAD_MS);
  return zoneTransitions(schedule.timezone, now, until).flatMap((transition) => {
    const isGap = transition.afterMs > transition.beforeMs;
    const message = isGap ? gapSentence(schedule, transition) : repeatSentence(schedule, transition);
    if (message === null) return [];
    return [{ path: pointer(path), code: isGap ? "CLOCK_CHANGE_SKIPS" : "CLOCK_CHANGE_REPEATS", message }];
  });
}

/** Clocks go forward: what is due between `begin` and `end`, local, is due at no instant. */
function gapSentence(schedule: ZonedCron, { at, beforeMs, afterMs }: ZoneTransition): string | null {
  const [begin, end] = [at.getTime() + beforeMs, at.getTime() + afterMs];
  const times = localTimes(schedule, begin, end);
  const [first] = times;
  if (first === undefined) return null;
  const next = fires(schedule, at.getTime() - 1, 1)[0] ?? Infinity;
  if (isInterval(schedule)) {
    const [lastLocal] = previousFireTimes(schedule.cron, "UTC", new Date(begin), 1).map((time) => time.getTime());
    const nominal = lastLocal === undefined ? Infinity : first - lastLocal;
    const real = lastLocal === undefined ? Infinity : next - (lastLocal - beforeMs);
    if (real <= nominal) return null;
  }
  const what =
    next === at.getTime()
      ? `${theFire(times)} comes at the first instant after the gap, ${clock(end)} (${at.toISOString()})`
      : `${theFire(times)} is left out that day`;
  return `In ${schedule.timezone} the clocks go forward on ${day(begin)}, from ${clock(begin)} to ${clock(end)}: ${what}.`;
}

/** Clocks go back: what is due between `begin` and `end`, local, comes twice. */
function repeatSentence(schedule: ZonedCron, { at, beforeMs, afterMs }: ZoneTransition): string | null {
  const [begin, end] = [at.getTime() + afterMs, at.getTime() + beforeMs];
  const times = localTimes(schedule, begin, end);
  const [local] = times;
  if (local === undefined) return null;
  const [first, second] = [local - beforeMs, local - afterMs];
  const [, next = Infinity] = fires(schedule, first - 1, 2);
  const comesTwice = fires(schedule, second - 1, 1)[0] === second;
  const [laterLocal = Infinity] = fires({ ...schedule, timezone: "UTC" }, local, 1);
  if (isInterval(schedule) && next - first >= laterLocal - local) return null;
  const instants = `${iso(first)} and ${iso(second)}`;
  const what = comesTwice
    ? `the schedule fires both times (${instants})`
    : `the schedule fires once, at the first (${iso(first)}), not again at ${iso(second)}`;
  return `In ${schedule.timezone} the clocks go back on ${day(end)}, from ${clock(end)} to ${clock(begin)}: ${named(times)} ${times.length > 1 ? "occur" : "occurs"} twice that day, and ${what}.`;
}

/** By ranges and steps of hours, or every hour; other schedules mean the local times that they name. */
function isInterval({ cron }: ZonedCron): boolean {
  return /[*-]/.test(cron.trim().split(/[ \t]+/)[1] ?? "");
}

/** The first local times in [begin, end) that the expression names, as if local time were UTC; epoch ms. */
function localTimes({ cron }: ZonedCron, begin: number, end: number): number[] {
  return fires({ cron, timezone: "UTC" }, begin - 1, MAX_NAMED + 1).filter((time) => time < end);
}

function fires({ cron, timezone }: ZonedCron, after: number, count: number): number[] {
  return nextFireTimes(cron, timezone, new Date(after), count).map((time) => time.getTime());
}

function theFire(times: readonly number[]): string {
  return times.length === 1 ? `the fire of ${named(times)}` : `what is due at ${named(times)}`;
}

function named(times: readonly number[]): string {
  const shown = times.slice(0, MAX_NAMED).map(clock).join(", ");
  return times.length > MAX_NAMED ? `${shown} and more` : shown;
}

/** Of a local time: HH:MM. */
function clock(local: number): string {
  return iso(local).slice(11, 16);
}

function day(local: number): string {
  return iso(local).slice(0, 10);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
