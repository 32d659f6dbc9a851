// Latencies are kept as a histogram of fixed buckets, so that counts of any stretch of time and any group can be added up
// and still say percentiles. Between neighbouring bounds lies a factor of 1.3 to 2: what a percentile may be off by.

/**
 * Milliseconds, ascending. Bucket i holds the durations from bound i - 1 up to but not including bound i; the first holds
 * those below 1 ms, the last those from 1,000,000 s on. PostgreSQL counts by the same (keelson.latency_bounds).
 */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  1,
  2,
  3,
  5,
  7,
  ...[10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].flatMap((ten) => [1, 1.5, 2, 3, 5, 7].map((factor) => factor * ten)),
  1e9,
];

/**
 * The duration in ms that the share `quantile` (0 to 1) of those counted did not exceed (nearest rank), interpolated within
 * its bucket, and never above `maxMs`, the longest that was counted. Null where nothing was counted. Trailing zeros of
 * `counts` may be left out.
 */
export function latencyPercentile(counts: readonly number[], quantile: number, maxMs: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = Math.max(Math.ceil(quantile * total), 1);
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= rank) {
      const from = LATENCY_BOUNDS_MS[bucket - 1] ?? 0;
      const to = Math.min(LATENCY_BOUNDS_MS[bucket] ?? maxMs, maxMs);
      return Math.round(Math.min(from + ((rank - below) / count) * Math.max(to - from, 0), maxMs));
    }
    below += count;
  }
  return maxMs;
}
