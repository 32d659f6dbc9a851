import { LIMITS } from "./limits.ts";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SHORT_FORM = /^(\d{1,15})(ms|s|m|h|d)$/;
const ISO_8601 =
  /^P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12})(?:[.,](\d{1,3}))?S)?)?$/;

/** The forms of text as one pattern, for JSON Schema; that it is no longer than 365 days is not in it. */
export const DURATION_PATTERN =
  "^(\\d{1,15}(ms|s|m|h|d)|P(?=\\d|T\\d)(\\d{1,9}W)?(\\d{1,9}D)?(T(?=\\d)(\\d{1,9}H)?(\\d{1,9}M)?(\\d{1,12}([.,]\\d{1,3})?S)?)?)$";

/** The forms a duration may take, for messages. */
export const DURATION_FORMS =
  '"250ms", "5s", "10m", "1h", "2d", ISO 8601 such as "PT5M", or a whole number of milliseconds';

/**
 * A duration in ms: `"250ms"`, `"5s"`, `"10m"`, `"1h"`, `"2d"`, ISO 8601 (`"PT5M"`, `"P1DT12H"`, `"P2W"`; seconds may
 * have up to three decimals) or a whole number of ms. Null for anything else, for less than zero and for more than
 * 365 days. ISO years and months are no durations, since their length depends on the calendar.
 */
export function parseDuration(value: unknown): number | null {
  const ms = typeof value === "number" ? value : typeof value === "string" ? parseText(value) : null;
  return ms !== null && Number.isInteger(ms) && ms >= 0 && ms <= LIMITS.durationMs ? ms : null;
}

function parseText(text: string): number | null {
  const short = SHORT_FORM.exec(text);
  if (short) return Number(short[1]) * shortUnitMs(short[2]);
  const iso = ISO_8601.exec(text);
  if (!iso || text.endsWith("P") || text.endsWith("T")) return null;
  const [, weeks = "0", days = "0", hours = "0", minutes = "0", seconds = "0", fraction = ""] = iso;
  return (
    (Number(weeks) * 7 + Number(days)) * UNIT_MS.d +
    Number(hours) * UNIT_MS.h +
    Number(minutes) * UNIT_MS.m +
    Number(seconds) * UNIT_MS.s +
    Number(fraction.padEnd(3, "0"))
  );
}

function shortUnitMs(unit: string | undefined): number {
  switch (unit) {
    case "ms":
      return UNIT_MS.ms;
    case "s":
      return UNIT_MS.s;
    case "m":
      return UNIT_MS.m;
    case "h":
      return UNIT_MS.h;
    default:
      return UNIT_MS.d;
  }
}
