import { expect, it } from "vitest";
import { spreadOf, summarize } from "./summary.ts";

it("takes percentiles by the nearest rank, in whatever order the samples come", () => {
  const samples = Array.from({ length: 200 }, (_, n) => 200 - n);
  expect(summarize(samples)).toEqual({ count: 200, p50: 100, p99: 198, max: 200 });
  expect(summarize([7])).toEqual({ count: 1, p50: 7, p99: 7, max: 7 });
});

it("knows nothing of no samples", () => {
  expect(summarize([])).toEqual({ count: 0, p50: null, p99: null, max: null });
  expect(spreadOf([])).toBeNull();
});

it("takes the middle of the two middle rounds where their number is even", () => {
  expect(spreadOf([4, 1, 3, 10])).toEqual({ median: 3.5, min: 1, max: 10 });
  expect(spreadOf([5, 1, 9])).toEqual({ median: 5, min: 1, max: 9 });
});
