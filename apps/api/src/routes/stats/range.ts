// Which buckets a request for statistics is about.

import { MAX_STATS_BUCKETS, STATS_BUCKETS, type StatsBucket, type StatsQuery } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";

export interface StatsRange {
  readonly bucket: StatsBucket;
  /** Begin of the first bucket, epoch ms. */
  readonly fromAt: number;
  /** End of the last, epoch ms. */
  readonly toAt: number;
  /** How many there are, 1 to MAX_STATS_BUCKETS. */
  readonly count: number;
  readonly lengthMs: number;
}

const HOUR_MS = 3_600_000;
const DEFAULT_SPAN_MS = 24 * HOUR_MS;
/** Up to which span minutes are the default, and hours; ms. */
const MINUTES_UP_TO_MS = 3 * HOUR_MS;
const HOURS_UP_TO_MS = 7 * 24 * HOUR_MS;

/** `nowAt` in epoch ms. Throws `INVALID_REQUEST` where no such buckets are kept, or there are too many of them. */
export function statsRange(query: Pick<StatsQuery, "from" | "to" | "bucket">, nowAt: number): StatsRange {
  const to = query.to ?? new Date(nowAt);
  const from = query.from ?? new Date(to.getTime() - DEFAULT_SPAN_MS);
  if (from >= to) {
    throw refusal("?from", `must lie before \`to\`, but is ${text(from)}, and \`to\` ${text(to)}`);
  }
  const bucket = query.bucket ?? defaultBucket(from, to, nowAt);
  const { lengthMs, keptMs } = STATS_BUCKETS[bucket];
  const oldest = new Date(nowAt - keptMs);
  if (from < oldest) {
    const kept = bucket === "minute" ? "minutes are kept for 48 hours" : "hours and days are kept for 400 days";
    const remedy = bucket === "minute" ? "; ask for the bucket `hour` or `day`" : "";
    const rule = `must not lie before ${text(oldest)}, since ${kept}`;
    throw refusal("?from", `${rule}, but is ${text(from)}${remedy}`);
  }
  const fromAt = Math.floor(from.getTime() / lengthMs) * lengthMs;
  const toAt = Math.ceil(to.getTime() / lengthMs) * lengthMs;
  const count = (toAt - fromAt) / lengthMs;
  if (count > MAX_STATS_BUCKETS) {
    const rule = `must make at most ${MAX_STATS_BUCKETS} buckets, but \`${bucket}\` makes ${count} from ${text(from)} to ${text(to)}`;
    throw refusal("?bucket", `${rule}; take longer buckets or less time`);
  }
  return { bucket, fromAt, toAt, count, lengthMs };
}

function defaultBucket(from: Date, to: Date, nowAt: number): StatsBucket {
  const spanMs = to.getTime() - from.getTime();
  const minutesAreKept = from.getTime() >= nowAt - STATS_BUCKETS.minute.keptMs;
  if (spanMs <= MINUTES_UP_TO_MS && minutesAreKept) return "minute";
  return spanMs <= HOURS_UP_TO_MS ? "hour" : "day";
}

function refusal(path: string, sentence: string): AppError {
  return new AppError("INVALID_REQUEST", { errors: [{ path, code: "OUT_OF_RANGE", message: `${sentence}.` }] });
}

function text(time: Date): string {
  return time.toISOString();
}
