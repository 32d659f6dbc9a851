import type { MinuteRow } from "@keelson/db";
import { describe, expect, it } from "vitest";
import { latenciesOver, ratesOver } from "./rates.ts";

const NOW = new Date("2026-03-01T12:10:30Z");
const row = (minute: string, kind: MinuteRow["kind"], count: number, more: Partial<MinuteRow> = {}): MinuteRow => ({
  minute: new Date(`2026-03-01T${minute}:00Z`),
  kind,
  status: kind === "ended" ? "succeeded" : "",
  count,
  durationMsMax: 0,
  latencyBuckets: [],
  ...more,
});

describe("ratesOver", () => {
  it("takes of the minute in which its time begins the share that lies within", () => {
    // 30 s of the present minute, and half of the one before.
    const minutes = [row("12:10", "started", 30), row("12:09", "started", 60), row("12:08", "started", 1_000)];
    expect(ratesOver(minutes, NOW, 60).startedPerSecond).toBe(1);
  });

  it("tells ends by their status, and together", () => {
    const minutes = [
      row("12:10", "ended", 6),
      row("12:10", "ended", 3, { status: "failed" }),
      row("12:10", "ended", 1, { status: "cancelled" }),
    ];
    expect(ratesOver(minutes, NOW, 60)).toEqual({
      startedPerSecond: 0,
      endedPerSecond: 0.167,
      succeededPerSecond: 0.1,
      failedPerSecond: 0.05,
      cancelledPerSecond: 0.017,
    });
  });
});

describe("latenciesOver", () => {
  it("adds the minutes' buckets up, and says nothing where nothing ended", () => {
    const minutes = [
      row("12:10", "ended", 50, { latencyBuckets: [50], durationMsMax: 1 }),
      row("12:09", "ended", 50, { latencyBuckets: [0, 0, 0, 50], durationMsMax: 4 }),
      row("12:01", "ended", 50, { latencyBuckets: [0, 0, 0, 0, 0, 50], durationMsMax: 9 }),
    ];
    expect(latenciesOver(minutes, NOW, 300)).toEqual({ count: 100, p50Ms: 1, p95Ms: 4, p99Ms: 4, maxMs: 4 });
    expect(latenciesOver([], NOW, 300)).toEqual({ count: 0, p50Ms: null, p95Ms: null, p99Ms: null, maxMs: null });
  });
});
