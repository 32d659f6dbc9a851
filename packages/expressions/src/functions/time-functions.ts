// Functions of times, which are RFC 3339 strings.
import { DURATION_FORMS, parseDuration } from "@keelson/contracts";
import { formatTime, writeTime } from "../time.ts";
import type { Call } from "./call.ts";
import { define, type FunctionSpec } from "./define.ts";

const MAX_PATTERN_UNITS = 200;
const MAX_ZONE_UNITS = 64;

export const TIME_FUNCTIONS: readonly FunctionSpec[] = [
  define(
    [],
    "now()",
    {
      summary: "This moment, the same across the attempts of a step run.",
      example: "now()",
      result: '"2026-01-15T09:30:00.000Z"',
    },
    (call) => writeTime(call.frame.scope.nowMs),
  ),
  define(
    [],
    "uuid()",
    {
      summary: "A new id, the same across the attempts of a step run.",
      example: "uuid()",
      result: '"0198c0de-0000-7000-8000-000000000000"',
    },
    (call) => call.frame.uuid(),
  ),
  define(
    ["string", "number"],
    "date(value)",
    {
      summary: "A time of RFC 3339 text, a date, or epoch milliseconds, in UTC.",
      example: 'date("2026-01-15T10:30:00+01:00")',
      result: '"2026-01-15T09:30:00.000Z"',
    },
    (call) => writeTime(call.time(0)),
  ),
  define(
    ["string", "number"],
    "epochMs(time)",
    { summary: "Milliseconds since 1970.", example: 'epochMs("1970-01-02T00:00:00Z")', result: "86400000" },
    (call) => call.time(0),
  ),
  define(
    ["string", "number"],
    "addDuration(time, duration)",
    {
      summary: "Later by a duration, earlier by one with a minus.",
      example: 'addDuration("2026-01-15T00:00:00Z", "-1d")',
      result: '"2026-01-14T00:00:00.000Z"',
    },
    (call) => writeTime(call.time(0) + durationMs(call)),
  ),
  define(
    ["string", "number"],
    "formatDate(time, pattern, zone?)",
    {
      summary: "By a pattern such as `yyyy-MM-dd HH:mm`, in UTC or an IANA time zone.",
      example: 'formatDate("2026-07-01T22:30:00Z", "yyyy-MM-dd HH:mm", "Europe/Berlin")',
      result: '"2026-07-02 00:30"',
    },
    (call) => {
      const [ms, pattern, zone] = [call.time(0), call.string(1), call.string(2, "UTC")];
      if (pattern.length > MAX_PATTERN_UNITS) call.fail(`its pattern has ${MAX_PATTERN_UNITS} characters at most`);
      if (zone.length > MAX_ZONE_UNITS) call.fail("its time zone is not known");
      call.frame.spend(10 + pattern.length);
      if (zone !== "UTC") call.frame.spendZone(zone);
      writeTime(ms);
      return formatTime(ms, pattern, zone);
    },
  ),
];

function durationMs(call: Call): number {
  const value = call.value(1);
  const negative = typeof value === "number" ? value < 0 : typeof value === "string" && value.startsWith("-");
  const size =
    typeof value === "number" ? Math.abs(value) : typeof value === "string" && negative ? value.slice(1) : value;
  const ms = parseDuration(size) ?? call.fail(`its duration is ${DURATION_FORMS}, up to 365 days`);
  return negative ? -ms : ms;
}
