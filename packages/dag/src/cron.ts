// Cron: five fields in an IANA time zone. This file says what may be written; croner says when that is. Only the time
// of a fire is computed here, and never a timer set.

import { suggestion } from "@keelson/contracts";
import { Cron } from "croner";

export interface CronProblem {
  readonly code: "INVALID_CRON" | "INVALID_TIMEZONE";
  readonly message: string;
}

const MAX_CHARS = 100;
/** A number, a range of numbers or names, or `*`, each with a step where it is no single value. */
const ITEM = String.raw`(?:\*(?:/\d{1,2})?|(?:\d{1,2}|[A-Za-z]{3})(?:-(?:\d{1,2}|[A-Za-z]{3})(?:/\d{1,2})?)?)`;
const FIELD = new RegExp(`^${ITEM}(?:,${ITEM})*$`);
const FIELD_NAMES = ["minute", "hour", "day of month", "month", "day of week"] as const;
/** Whether a date ever comes does not depend on where the search for it begins. */
const SEARCH_FROM = new Date("2024-01-01T00:00:00Z");
/** Fire times of one call. */
const MAX_COUNT = 1_000;

/**
 * Checks an expression and a zone; null if both are good. Refused are other than five fields, nicknames (`@daily`),
 * croner's own signs (`L`, `W`, `#`, `?`, `+`), values out of range, and dates that never come.
 */
export function checkCron(expression: string, timezone: string): CronProblem | null {
  if (!isTimezone(timezone)) {
    const message = `There is no time zone ${JSON.stringify(timezone.slice(0, 64))}: name one of the IANA database, such as "Europe/Berlin" or "UTC".${nearZone(timezone)}`;
    return { code: "INVALID_TIMEZONE", message };
  }
  const fault = syntaxFault(expression) ?? neverComes(expression, timezone);
  return fault === null ? null : { code: "INVALID_CRON", message: fault };
}

/**
 * The next `count` fire times strictly after `after`, earliest first; at most 1,000. A fixed local time that a clock
 * change skips comes at the first instant after the gap, one that occurs twice comes once; intervals keep their rhythm.
 * Throws a RangeError for an expression or zone that `checkCron` refuses.
 */
export function nextFireTimes(expression: string, timezone: string, after: Date, count: number): Date[] {
  return checked(expression, timezone).nextRuns(Math.min(count, MAX_COUNT), after);
}

/**
 * About the last `count` fire times before `before`, latest first; at most 1,000. Around clock changes `nextFireTimes` alone
 * is to be believed: this says where to let it begin.
 */
export function previousFireTimes(expression: string, timezone: string, before: Date, count: number): Date[] {
  return checked(expression, timezone).previousRuns(Math.min(count, MAX_COUNT), before);
}

function checked(expression: string, timezone: string): Cron {
  const fault = isTimezone(timezone) ? syntaxFault(expression) : "unknown time zone";
  if (fault !== null) throw new RangeError(fault);
  return schedule(expression, timezone);
}

function syntaxFault(expression: string): string | null {
  if (expression.length > MAX_CHARS) return `A cron expression must have at most ${MAX_CHARS} characters.`;
  const shown = JSON.stringify(expression);
  const fields = expression.trim() === "" ? [] : expression.trim().split(/[ \t]+/);
  if (fields.length !== FIELD_NAMES.length) {
    return `A cron expression has five fields (${FIELD_NAMES.join(", ")}), but ${shown} has ${fields.length}.${fieldsHint(fields)}`;
  }
  const wrong = fields.findIndex((field) => !FIELD.test(field));
  if (wrong >= 0) {
    return `The ${FIELD_NAMES[wrong]} ${JSON.stringify(fields[wrong])} of ${shown} is not understood: write *, numbers or names, ranges (1-5), steps (*/15, 0-30/10) and lists (1,15).`;
  }
  try {
    schedule(expression, "UTC");
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, "") : "it is not understood";
    return `The cron expression ${shown} is refused: ${reason}.`;
  }
}

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

function fieldsHint(fields: readonly string[]): string {
  const nickname = NICKNAMES.get(fields[0]?.toLowerCase() ?? "");
  if (nickname !== undefined) return ` Write "${nickname}".`;
  const rest = fields.slice(1).join(" ");
  return fields.length === 6 && syntaxFault(rest) === null ? ` There are no seconds: write "${rest}".` : "";
}

function neverComes(expression: string, timezone: string): string | null {
  if (schedule(expression, timezone).nextRun(SEARCH_FROM) !== null) return null;
  return `The cron expression ${JSON.stringify(expression)} names a date that never comes: look at its day and month.`;
}

function schedule(expression: string, timezone: string): Cron {
  return new Cron(expression.trim(), { timezone, mode: "5-part", paused: true });
}

function nearZone(timezone: string): string {
  return suggestion(timezone.replace(/[+-]\d.*$/, ""), Intl.supportedValuesOf("timeZone"));
}

/** Knows IANA names alone; JavaScript would also take offsets such as `+05:00`. */
function isTimezone(timezone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(timezone)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
