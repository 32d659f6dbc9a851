// Times as text: RFC 3339 in and out, and patterns in any time zone.
import { Failure } from "./errors.ts";

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,40}))?([Zz]|([+-])(\d{2}):(\d{2})))?$/;
/** 0000-01-01 and the end of 9999: what RFC 3339 can write. */
const MIN_MS = new Date("0000-01-01T00:00:00.000Z").getTime();
const MAX_MS = new Date("9999-12-31T23:59:59.999Z").getTime();
const MONTHS = "January February March April May June July August September October November December".split(" ");
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const PATTERN_PART = /'((?:[^']|'')*)'|([A-Za-z])\2*/g;
const ZONE_OFFSET = /^GMT(?:([+-])(\d{1,2})(?::(\d{2}))?(?::(\d{2}))?)?$/;
/** Zones whose formatter is kept: making one is slow. */
const KEPT_ZONES = 100;
const zones = new Map<string, Intl.DateTimeFormat>();

/** Ms since 1970 of an RFC 3339 time or date (its midnight in UTC), null if it is none. */
export function parseTime(text: string): number | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", , sign, offsetH, offsetM] = match;
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  const offsetMinutes = Number(offsetH ?? 0) * 60 + Number(offsetM ?? 0);
  if (h > 23 || mi > 59 || s > 60 || Number(offsetH ?? 0) > 23 || Number(offsetM ?? 0) > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(y, mo - 1, d);
  if (date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d) return null;
  const ms = date.getTime() + ((h * 60 + mi) * 60 + s) * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
  return ms - (sign === "-" ? -1 : 1) * offsetMinutes * 60_000;
}

/** RFC 3339 in UTC with milliseconds. @throws Failure outside the years 0000 to 9999 */
export function writeTime(ms: number): string {
  if (!(ms >= MIN_MS && ms <= MAX_MS)) throw new Failure("The time lies outside the years 0000 to 9999.");
  return new Date(ms).toISOString();
}

/**
 * A time by a pattern: yyyy yy MMMM MMM MM M dd d EEEE EEE HH H hh h mm m ss s SSS a XXX (offset, Z for UTC) xxx (offset);
 * what stands in single quotes is text. Names are English.
 * @throws Failure for an unknown letter or zone
 */
export function formatTime(ms: number, pattern: string, zone: string): string {
  const offsetMs = zone === "UTC" ? 0 : zoneOffset(ms, zone);
  const local = new Date(ms + offsetMs);
  return pattern.replaceAll(PATTERN_PART, (part: string, quoted: string | undefined) => {
    if (quoted !== undefined) return quoted === "" ? "'" : quoted.replaceAll("''", "'");
    return field(part, local, offsetMs);
  });
}

function field(part: string, local: Date, offsetMs: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const hour12 = local.getUTCHours() % 12 || 12;
  const year = String(local.getUTCFullYear()).padStart(4, "0");
  switch (part) {
    case "yyyy":
      return year;
    case "yy":
      return year.slice(-2);
    case "MMMM":
      return MONTHS[local.getUTCMonth()] ?? "";
    case "MMM":
      return (MONTHS[local.getUTCMonth()] ?? "").slice(0, 3);
    case "MM":
      return two(local.getUTCMonth() + 1);
    case "M":
      return String(local.getUTCMonth() + 1);
    case "dd":
      return two(local.getUTCDate());
    case "d":
      return String(local.getUTCDate());
    case "EEEE":
      return WEEKDAYS[local.getUTCDay()] ?? "";
    case "EEE":
      return (WEEKDAYS[local.getUTCDay()] ?? "").slice(0, 3);
    case "HH":
      return two(local.getUTCHours());
    case "H":
      return String(local.getUTCHours());
    case "hh":
      return two(hour12);
    case "h":
      return String(hour12);
    case "mm":
      return two(local.getUTCMinutes());
    case "m":
      return String(local.getUTCMinutes());
    case "ss":
      return two(local.getUTCSeconds());
    case "s":
      return String(local.getUTCSeconds());
    case "SSS":
      return String(local.getUTCMilliseconds()).padStart(3, "0");
    case "a":
      return local.getUTCHours() < 12 ? "AM" : "PM";
    case "XXX":
      return offsetMs === 0 ? "Z" : writeOffset(offsetMs);
    case "xxx":
      return writeOffset(offsetMs);
    default:
      throw new Failure(`The pattern has letters without a meaning: put text in quotes, as in yyyy'T'HH.`);
  }
}

function writeOffset(offsetMs: number): string {
  const minutes = Math.floor(Math.abs(offsetMs) / 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** What a zone's clocks are ahead of UTC at this time, in ms. */
function zoneOffset(ms: number, zone: string): number {
  const name = zoneFormat(zone)
    .formatToParts(ms)
    .find((part) => part.type === "timeZoneName")?.value;
  const match = ZONE_OFFSET.exec(name ?? "");
  if (match === null) throw new Failure("This time zone's offset is not known.");
  const [, sign, hours = "0", minutes = "0", seconds = "0"] = match;
  return (sign === "-" ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

function zoneFormat(zone: string): Intl.DateTimeFormat {
  const kept = zones.get(zone);
  if (kept !== undefined) return kept;
  const format = newZoneFormat(zone);
  if (zones.size >= KEPT_ZONES) zones.clear();
  zones.set(zone, format);
  return format;
}

function newZoneFormat(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  } catch {
    throw new Failure('The time zone is not known: give an IANA name such as "Europe/Berlin".');
  }
}
