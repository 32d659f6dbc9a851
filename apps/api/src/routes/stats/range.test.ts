import { describe, expect, it } from "vitest";
import { statsRange } from "./range.ts";

const NOW = Date.parse("2026-03-10T12:34:56.789Z");
const HOUR_MS = 3_600_000;
const ago = (hours: number) => new Date(NOW - hours * HOUR_MS);
const iso = (ms: number) => new Date(ms).toISOString();

describe("the buckets asked for", () => {
  it("are the last 24 hours where nothing is said, to the end of the one that is not over", () => {
    const { fromAt, toAt, bucket, count } = statsRange({}, NOW);
    expect({ from: iso(fromAt), to: iso(toAt), bucket, count }).toEqual({
      from: "2026-03-09T12:00:00.000Z",
      to: "2026-03-10T13:00:00.000Z",
      bucket: "hour",
      count: 25,
    });
  });

  it("begin 24 hours before an end that is said alone", () => {
    const { fromAt, count } = statsRange({ to: new Date("2026-03-05T00:00:00Z") }, NOW);
    expect({ from: iso(fromAt), count }).toEqual({ from: "2026-03-04T00:00:00.000Z", count: 24 });
  });

  it.each([
    { hours: 0.01, bucket: "minute" },
    { hours: 3, bucket: "minute" },
    { hours: 3.01, bucket: "hour" },
    { hours: 7 * 24, bucket: "hour" },
    { hours: 7 * 24 + 1, bucket: "day" },
    { hours: 400 * 24, bucket: "day" },
  ])("are by default of one $bucket for the last $hours hours", ({ hours, bucket }) => {
    expect(statsRange({ from: ago(hours) }, NOW).bucket).toBe(bucket);
  });

  it("are by default of an hour where minutes are no longer kept", () => {
    expect(statsRange({ from: ago(60), to: ago(59) }, NOW).bucket).toBe("hour");
  });

  it.each([
    { bucket: "minute" as const, hours: 48 },
    { bucket: "hour" as const, hours: 400 * 24 },
  ])("may be as old as those of one $bucket are kept, and no older", ({ bucket, hours }) => {
    const to = ago(hours - 1);
    expect(statsRange({ from: ago(hours), to, bucket }, NOW).count).toBeGreaterThan(0);
    expect(() => statsRange({ from: ago(hours + 0.001), to, bucket }, NOW)).toThrow();
  });

  it("are 1,500 at the most", () => {
    const to = new Date("2026-03-10T12:00:00Z");
    const from = (minutes: number) => new Date(to.getTime() - minutes * 60_000);
    expect(statsRange({ from: from(1_500), to, bucket: "minute" }, NOW).count).toBe(1_500);
    expect(() => statsRange({ from: from(1_501), to, bucket: "minute" }, NOW)).toThrow();
  });
});
