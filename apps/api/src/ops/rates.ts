// Rates and latencies out of roll-ups by the minute. Pure.

import { type Overview, type RateWindow, latencyPercentile } from "@keelson/contracts";
import type { MinuteRow } from "@keelson/db";

const MINUTE_MS = 60_000;

/**
 * Executions a second on average of the last `seconds`. Of the minute in which that time begins, as large a share of its
 * count is taken as lies within: a minute's events are taken to be spread evenly over it.
 */
export function ratesOver(minutes: readonly MinuteRow[], nowAt: Date, seconds: number): RateWindow {
  const since = nowAt.getTime() - seconds * 1_000;
  const perSecond = (counts: (row: MinuteRow) => boolean): number => {
    const total = minutes.filter(counts).reduce((sum, row) => sum + row.count * shareAfter(row.minute, since), 0);
    return round(total / seconds);
  };
  const ended = (status: string) => perSecond((row) => row.kind === "ended" && row.status === status);
  return {
    startedPerSecond: perSecond((row) => row.kind === "started"),
    endedPerSecond: perSecond((row) => row.kind === "ended"),
    succeededPerSecond: ended("succeeded"),
    failedPerSecond: ended("failed"),
    cancelledPerSecond: ended("cancelled"),
  };
}

/** Of executions that ended in the minutes that the last `seconds` touch. */
export function latenciesOver(minutes: readonly MinuteRow[], nowAt: Date, seconds: number): Overview["latencies"] {
  const since = nowAt.getTime() - seconds * 1_000;
  const ended = minutes.filter((row) => row.kind === "ended" && shareAfter(row.minute, since) > 0);
  const counts: number[] = [];
  let maxMs = 0;
  for (const row of ended) {
    maxMs = Math.max(maxMs, row.durationMsMax);
    for (const [bucket, count] of row.latencyBuckets.entries()) counts[bucket] = (counts[bucket] ?? 0) + count;
  }
  const dense = Array.from(counts, (count) => count ?? 0);
  const count = dense.reduce((sum, of) => sum + of, 0);
  const percentile = (quantile: number) => latencyPercentile(dense, quantile, maxMs);
  return {
    count,
    p50Ms: percentile(0.5),
    p95Ms: percentile(0.95),
    p99Ms: percentile(0.99),
    maxMs: count === 0 ? null : maxMs,
  };
}

/** 0 to 1: how much of this minute lies after `since`; epoch ms. */
function shareAfter(minute: Date, since: number): number {
  const end = minute.getTime() + MINUTE_MS;
  return Math.min(1, Math.max(0, (end - since) / MINUTE_MS));
}

/** To a thousandth: what is shown is not more exact than that. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
