// The header Retry-After: delta-seconds or a date (RFC 9110, 10.2.3). Pure.
import { LIMITS } from "@keelson/contracts";

const DELTA_SECONDS = /^\d{1,15}(?:\.\d+)?$/;
const IMF_FIXDATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * The wait a target asks for, in ms; null where it asks for none that can be understood.
 * Fractions of a second are rounded up, a date that is past is 0; of several values the longest counts; at most 365 days.
 */
export function parseRetryAfter(values: readonly string[], nowAt: number): number | null {
  const waits = values.map((value) => parseOne(value.trim(), nowAt)).filter((wait) => wait !== null);
  return waits.length === 0 ? null : Math.min(Math.max(...waits), LIMITS.durationMs);
}

function parseOne(value: string, nowAt: number): number | null {
  if (DELTA_SECONDS.test(value)) return Math.ceil(Number(value)) * 1_000;
  if (!IMF_FIXDATE.test(value)) return null;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - nowAt);
}
