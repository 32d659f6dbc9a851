import fc from "fast-check";
import { expect, it } from "vitest";
import { LATENCY_BOUNDS_MS, latencyPercentile } from "./latency-buckets.ts";

const durations = fc.array(fc.integer({ min: 0, max: 2_000_000_000 }), { minLength: 1, maxLength: 200 });
const quantiles = fc.double({ min: 0, max: 1, noNaN: true });

function countsOf(all: readonly number[]): number[] {
  const counts: number[] = [];
  for (const duration of all) {
    const bucket = LATENCY_BOUNDS_MS.filter((bound) => bound <= duration).length;
    while (counts.length <= bucket) counts.push(0);
    counts[bucket]! += 1;
  }
  return counts;
}

it("has bounds that are whole, ascend, and grow by a factor of two at the most", () => {
  for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
    const next = LATENCY_BOUNDS_MS[index + 1] ?? bound + 1;
    expect(Number.isInteger(bound) && next > bound && next <= 2 * bound).toBe(true);
  }
});

it("lies in the bucket of the duration that really has this rank, and never above the longest", () => {
  fc.assert(
    fc.property(durations, quantiles, (all, quantile) => {
      const sorted = all.toSorted((x, y) => x - y);
      const max = sorted.at(-1)!;
      const real = sorted[Math.max(Math.ceil(quantile * all.length) - 1, 0)]!;
      const told = latencyPercentile(countsOf(all), quantile, max)!;
      const bucket = LATENCY_BOUNDS_MS.filter((bound) => bound <= real).length;
      expect(told).toBeGreaterThanOrEqual(LATENCY_BOUNDS_MS[bucket - 1] ?? 0);
      expect(told).toBeLessThanOrEqual(Math.min(LATENCY_BOUNDS_MS[bucket] ?? max, max));
    }),
  );
});

it("never falls as the share grows", () => {
  fc.assert(
    fc.property(durations, quantiles, quantiles, (all, one, other) => {
      const max = Math.max(...all);
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      expect(latencyPercentile(countsOf(all), low, max)!).toBeLessThanOrEqual(
        latencyPercentile(countsOf(all), high, max)!,
      );
    }),
  );
});

it("is the longest itself where that alone was counted", () => {
  for (const quantile of [0, 0.5, 1]) expect(latencyPercentile(countsOf([880]), quantile, 880)).toBe(880);
});

it("is null where nothing was counted", () => {
  expect(latencyPercentile([], 0.5, 0)).toBeNull();
  expect(latencyPercentile([0, 0], 0.5, 0)).toBeNull();
});

it("tells the halves of what is spread evenly over a bucket", () => {
  // Ten between 100 and 150 ms: half of them below 125.
  const counts = countsOf(Array.from({ length: 10 }, () => 120));
  expect(latencyPercentile(counts, 0.5, 150)).toBe(125);
});
