import { expect, it } from "vitest";
import { createSharedRate } from "./shared-rate.ts";

function rateOf(redis: Parameters<typeof createSharedRate>[0]["redis"] = null) {
  const clock = { nowMs: 1_000_000 };
  const rate = createSharedRate({ redis, prefix: "test", monotonicMs: () => clock.nowMs });
  const passes = async (key: string, perMinute: number) => (await rate.take(key, perMinute)).passed;
  return { clock, rate, passes };
}

it("lets exactly the limit pass in a minute that begins with the first request, and says when it ends", async () => {
  const { clock, rate } = rateOf();
  for (const remaining of [2, 1, 0]) {
    expect(await rate.take("a", 3)).toEqual({ passed: true, limit: 3, remaining, resetMs: 60_000 });
  }
  clock.nowMs += 59_999;
  expect(await rate.take("a", 3)).toEqual({ passed: false, limit: 3, remaining: 0, resetMs: 1 });
  clock.nowMs += 1;
  expect(await rate.take("a", 3)).toEqual({ passed: true, limit: 3, remaining: 2, resetMs: 60_000 });
});

it("keeps keys apart", async () => {
  const { passes } = rateOf();
  expect([await passes("a", 1), await passes("b", 1), await passes("a", 1)]).toEqual([true, true, false]);
});

it("goes by a changed limit from the next request on, upwards and downwards", async () => {
  const { passes, rate } = rateOf();
  expect([await passes("a", 1), await passes("a", 1)]).toEqual([true, false]);
  expect([await passes("a", 2), await passes("a", 2)]).toEqual([true, false]);
  for (let i = 0; i < 10; i++) await rate.take("a", 100);
  expect(await passes("a", 12)).toBe(false);
});

it("waits a tenth of a second for a Redis that does not answer, and then asks it nothing for a second (S2)", async () => {
  const asked = { times: 0 };
  const hanging = {
    status: "ready" as const,
    eval: () => {
      asked.times++;
      return Promise.withResolvers<unknown>().promise;
    },
  };
  const { clock, passes } = rateOf(hanging);
  expect([await passes("a", 2), await passes("a", 2), await passes("a", 2)]).toEqual([true, true, false]);
  expect(await passes("b", 1)).toBe(true);
  expect(asked.times).toBe(1);
  clock.nowMs += 1_000;
  expect(await passes("c", 1)).toBe(true);
  expect(asked.times).toBe(2);
});

it("takes an answer that makes no sense for none", async () => {
  const { passes } = rateOf({ status: "ready", eval: async () => ["w", "many"] });
  expect([await passes("a", 1), await passes("a", 1)]).toEqual([true, false]);
});
