// When a zone's clocks change, found by asking Intl for its offset: no table of our own to grow old.

export interface ZoneTransition {
  /** The first instant with the new offset. */
  readonly at: Date;
  /** East of UTC, before and after; ms. */
  readonly beforeMs: number;
  readonly afterMs: number;
}

/** Two changes within a step that undo each other would be missed; no zone has had such. */
const STEP_MS = 7 * 24 * 60 * 60 * 1000;

/** The changes of offset after `from`, up to `until`, earliest first. Asks for about 53 offsets a year and 20 a change. */
export function zoneTransitions(timezone: string, from: Date, until: Date): ZoneTransition[] {
  const offsetAt = offsetOf(timezone);
  const found: ZoneTransition[] = [];
  for (let low = from.getTime(); low < until.getTime(); low += STEP_MS) {
    const high = Math.min(low + STEP_MS, until.getTime());
    const [beforeMs, afterMs] = [offsetAt(low), offsetAt(high)];
    if (beforeMs !== afterMs)
      found.push({ at: new Date(firstWithout(beforeMs, low, high, offsetAt)), beforeMs, afterMs });
  }
  return found;
}

/** The first whole second in (low, high] whose offset is another. */
function firstWithout(offsetMs: number, low: number, high: number, offsetAt: (at: number) => number): number {
  let [same, other] = [Math.floor(low / 1000), Math.ceil(high / 1000)];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetAt(middle * 1000) === offsetMs) same = middle;
    else other = middle;
  }
  return other * 1000;
}

function offsetOf(timezone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: timezone, timeZoneName: "longOffset" });
  return (at) => {
    const name = format.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "";
    const [, sign, hours = "0", minutes = "0", seconds = "0"] = /([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? [];
    const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === "-" ? -ms : ms;
  };
}
