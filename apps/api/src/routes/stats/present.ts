// Tallies of the roll-ups as they are answered: every bucket of the range, whether anything happened in it or not.

import { type Stats, type StatsFigures, StatsGroup, type StatsGroupName, latencyPercentile } from "@keelson/contracts";
import type { StatsKey, StatsTally } from "@keelson/db";
import type { StatsRange } from "./range.ts";

type Counted = StatsKey & StatsTally;

const NOTHING: StatsTally = { started: 0, ended: 0, durationMsSum: 0, durationMsMax: 0, latencyBuckets: [] };

export function presentStats(
  range: StatsRange,
  groupBy: readonly StatsGroupName[],
  counted: {
    readonly totals: readonly Counted[];
    readonly groups: readonly Counted[];
    readonly leftOut: number;
    readonly buckets: readonly (Counted & { readonly at: Date })[];
    readonly workflowNames: ReadonlyMap<string, string>;
  },
): Stats {
  const figures = (tally: StatsTally) => presentFigures(tally, !isOfEnds(groupBy));
  const byPlace = new Map(counted.buckets.map((bucket) => [placeOf(bucket, bucket.at.getTime()), bucket]));
  const begins = Array.from({ length: range.count }, (_, index) => range.fromAt + index * range.lengthMs);
  return {
    from: new Date(range.fromAt).toISOString(),
    to: new Date(range.toAt).toISOString(),
    bucket: range.bucket,
    groupBy: [...groupBy],
    total: presentFigures(counted.totals.reduce<StatsTally>(add, NOTHING), true),
    series: counted.groups.map((group) => ({
      group: presentGroup(group, groupBy, counted.workflowNames),
      total: figures(group),
      buckets: begins.map((at) => ({
        at: new Date(at).toISOString(),
        ...figures(byPlace.get(placeOf(group, at)) ?? NOTHING),
      })),
    })),
    leftOut: counted.leftOut,
  };
}

/** What has not ended has no status that lasts and no error code. */
export function isOfEnds(groupBy: readonly StatsGroupName[]): boolean {
  return groupBy.includes("status") || groupBy.includes("errorCode");
}

/** The group of an answer that is not grouped. */
export const EVERYTHING: Counted = { status: "", workflowId: "", trigger: "", errorCode: "", ...NOTHING };

function placeOf({ status, workflowId, trigger, errorCode }: StatsKey, at: number): string {
  return [at, status, workflowId, trigger, errorCode].join(" ");
}

function add(these: StatsTally, those: StatsTally): StatsTally {
  const length = Math.max(these.latencyBuckets.length, those.latencyBuckets.length);
  return {
    started: these.started + those.started,
    ended: these.ended + those.ended,
    durationMsSum: these.durationMsSum + those.durationMsSum,
    durationMsMax: Math.max(these.durationMsMax, those.durationMsMax),
    latencyBuckets: Array.from(
      { length },
      (_, index) => (these.latencyBuckets[index] ?? 0) + (those.latencyBuckets[index] ?? 0),
    ),
  };
}

function presentFigures(tally: StatsTally, withStarts: boolean): StatsFigures {
  const { started, ended, durationMsSum, durationMsMax: max, latencyBuckets } = tally;
  const measured = latencyBuckets.reduce((sum, count) => sum + count, 0);
  const percentile = (quantile: number) => latencyPercentile(latencyBuckets, quantile, max) ?? 0;
  return {
    started: withStarts ? started : null,
    ended,
    durationMs:
      measured === 0
        ? null
        : {
            p50: percentile(0.5),
            p95: percentile(0.95),
            p99: percentile(0.99),
            avg: Math.round(durationMsSum / measured),
            max,
          },
  };
}

function presentGroup(
  key: StatsKey,
  groupBy: readonly StatsGroupName[],
  workflowNames: ReadonlyMap<string, string>,
): StatsGroup {
  const parts: Record<StatsGroupName, object> = {
    status: { status: key.status },
    workflow: { workflow: workflowNames.get(key.workflowId) ?? key.workflowId, workflowId: key.workflowId },
    trigger: { trigger: key.trigger },
    errorCode: { errorCode: key.errorCode === "" ? null : key.errorCode },
  };
  return StatsGroup.parse(Object.assign({}, ...groupBy.map((name) => parts[name])));
}
