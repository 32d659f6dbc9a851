import { expect, it } from "vitest";
import { createRateLimit } from "./rate-limit.ts";

function limiter() {
  const clock = { nowMs: 1_000_000 };
  return { clock, rate: createRateLimit(() => clock.nowMs) };
}

it("lets a minute's worth pass at once, and says when the next one would", () => {
  const { rate } = limiter();
  expect([1, 2, 3].map(() => rate.take("a", 3))).toEqual([null, null, null]);
  expect(rate.take("a", 3)).toBe(20_000);
});

it("does not count what it refuses, and lets one pass exactly when it said so", () => {
  const { clock, rate } = limiter();
  for (let i = 0; i < 3; i++) rate.take("a", 3);
  for (let i = 0; i < 100; i++) expect(rate.take("a", 3)).toBe(20_000);
  clock.nowMs += 19_999;
  expect(rate.take("a", 3)).toBe(1);
  clock.nowMs += 1;
  expect(rate.take("a", 3)).toBeNull();
  expect(rate.take("a", 3)).toBe(20_000);
});

it("keeps keys apart", () => {
  const { rate } = limiter();
  expect(rate.take("a", 1)).toBeNull();
  expect(rate.take("b", 1)).toBeNull();
  expect(rate.take("a", 1)).toBe(60_000);
});

it("never lets more than the rate and one full bucket pass in any time", () => {
  const { clock, rate } = limiter();
  let passed = 0;
  for (let i = 0; i < 10_000; i++) {
    clock.nowMs += 30;
    if (rate.take("a", 60) === null) passed++;
  }
  expect(passed).toBeGreaterThanOrEqual(300 + 59);
  expect(passed).toBeLessThanOrEqual(300 + 60);
});

it("takes several at once where one thing costs as much", () => {
  const { rate } = limiter();
  expect(rate.take("a", 10, 8)).toBeNull();
  expect(rate.take("a", 10, 3)).toBe(6_000);
  expect(rate.take("a", 10, 2)).toBeNull();
});

it("goes by a changed rate from the next request on", () => {
  const { clock, rate } = limiter();
  rate.take("a", 1);
  expect(rate.take("a", 1)).toBe(60_000);
  expect(rate.take("a", 6_000_000)).not.toBe(60_000);
  clock.nowMs += 60_000;
  expect(rate.take("a", 1)).toBeNull();
});
