// Durations as people write them, and what of it a document takes.

import { parseDuration } from "../duration.ts";

const UNITS: readonly (readonly [unit: string, ms: number, names: string])[] = [
  ["d", 86_400_000, "d day days"],
  ["h", 3_600_000, "h hr hrs hour hours"],
  ["m", 60_000, "m min mins minute minutes"],
  ["s", 1_000, "s sec secs second seconds"],
  ["ms", 1, "ms msec millis millisecond milliseconds"],
];
const PART = /(\d{1,6}(?:\.\d{1,3})?)\s*([a-z]+)/gi;
const MAX_CHARS = 40;

/** ` Write "90s".` for `1m30s` and ` Write "5s".` for `5 sec`; nothing for what is no duration in any spelling. */
export function nearDuration(value: unknown): string {
  if (typeof value !== "string" || value.length > MAX_CHARS) return "";
  if (/^\d{1,9}$/.test(value)) return ` Write "${value}s" for seconds, or ${Number(value)} for milliseconds.`;
  if (value.replaceAll(PART, "").replaceAll(/[\s,]|and/gi, "") !== "") return "";
  const parts = [...value.matchAll(PART)].map(([, count, name = ""]) => {
    const unit = UNITS.find(([, , names]) => names.split(" ").includes(name.toLowerCase()));
    return unit === undefined ? Number.NaN : Number(count) * unit[1];
  });
  const ms = parts.reduce((total, part) => total + part, 0);
  if (parts.length === 0 || ms <= 0 || parseDuration(ms) === null) return "";
  const [unit, unitMs] = UNITS.find(([, size]) => ms % size === 0) ?? ["ms", 1];
  return ` Write "${ms / unitMs}${unit}".`;
}
