// Two instances that count one key through a real Redis.

import { eventually, testRedisPrefix, testRedisUrl } from "@keelson/testkit";
import type { Redis } from "ioredis";
import { v7 as newId } from "uuid";
import { expect, it, onTestFinished } from "vitest";
import { createSharedRate, openRedis, type SharedRate } from "../src/index.ts";

const log = { redisLost: () => undefined, redisBack: () => undefined };
const prefix = testRedisPrefix();

interface Instance {
  readonly rate: SharedRate;
  readonly redis: Redis;
  readonly asked: { times: number };
  readonly clock: { passedMs: number };
  passes(perMinute: number): Promise<boolean>;
}

/** Each with a connection and a clock of its own; all count the same key. */
async function instances(count: number): Promise<{ all: Instance[]; key: string; stored: () => Promise<number> }> {
  const key = newId();
  const all = await Promise.all(Array.from({ length: count }, () => instanceOf(key)));
  const stored = async () => Number(await all[0]!.redis.hget(`${prefix}:rate:${key}`, "used"));
  return { all, key, stored };
}

async function instanceOf(key: string): Promise<Instance> {
  const redis = openRedis(testRedisUrl(), "test", "command", log);
  onTestFinished(() => redis.disconnect());
  await eventually(() => expect(redis.status).toBe("ready"));
  const asked = { times: 0 };
  const clock = { passedMs: 0 };
  const counted = {
    get status() {
      return redis.status;
    },
    eval(script: string, keyCount: number, ...keysAndValues: (string | number)[]) {
      asked.times++;
      return redis.eval(script, keyCount, ...keysAndValues);
    },
  };
  const rate = createSharedRate({ redis: counted, prefix, monotonicMs: () => performance.now() + clock.passedMs });
  return { rate, redis, asked, clock, passes: async (perMinute) => (await rate.take(key, perMinute)).passed };
}

async function passedOf(takes: readonly Promise<boolean>[]): Promise<number> {
  return (await Promise.all(takes)).filter(Boolean).length;
}

it("one instance lets exactly the limit pass, one after another, and asks Redis for few of them", async () => {
  const { all, key } = await instances(1);
  const [one] = all;
  for (let left = 599; left >= 0; left--) {
    const { passed, remaining } = await one!.rate.take(key, 600);
    expect([passed, remaining]).toEqual([true, left]);
  }
  expect(await one!.passes(600)).toBe(false);
  expect(one!.asked.times).toBeLessThanOrEqual(600 / 6);
  const askedSoFar = one!.asked.times;
  for (let i = 0; i < 100; i++) expect(await one!.passes(600)).toBe(false);
  expect(one!.asked.times).toBe(askedSoFar);
});

it("a small limit is exact over two instances, in turn or all at once (S1)", async () => {
  const inTurn = await instances(2);
  const passed: boolean[] = [];
  for (let i = 0; i < 8; i++) passed.push(await inTurn.all[i % 2]!.passes(3));
  expect(passed).toEqual([true, true, true, false, false, false, false, false]);

  const atOnce = await instances(2);
  expect(await passedOf(Array.from({ length: 40 }, (_, i) => atOnce.all[i % 2]!.passes(7)))).toBe(7);
});

it("two instances never let more than the limit pass, and nearly all of it (S1)", async () => {
  const { all, stored } = await instances(2);
  const passed = await passedOf(Array.from({ length: 1_500 }, (_, i) => all[i % 2]!.passes(1_200)));
  expect(passed).toBeLessThanOrEqual(1_200);
  expect(passed).toBeGreaterThan(1_200 - 2 * 20);
  expect(await stored()).toBeLessThanOrEqual(1_200);
});

it("a changed limit holds on every instance from the next request on (S3)", async () => {
  const { all } = await instances(2);
  const [one, two] = all;
  for (let i = 0; i < 5; i++) expect([await one!.passes(600), await two!.passes(600)]).toEqual([true, true]);
  expect([await one!.passes(8), await two!.passes(8)]).toEqual([false, false]);
  expect(await one!.passes(12)).toBe(true);
  expect(await two!.passes(12)).toBe(true);
  expect([await one!.passes(12), await two!.passes(12)]).toEqual([false, false]);
});

it("an instance whose Redis is lost goes on at once by what it knows, and tells Redis when that is back (S2)", async () => {
  const { all } = await instances(2);
  const [one, two] = all;
  expect([await one!.passes(6), await two!.passes(6)]).toEqual([true, true]);
  // Knows of both, as its own was the later.
  two!.redis.disconnect();
  await eventually(() => expect(two!.redis.status).toBe("end"));
  expect([await two!.passes(6), await two!.passes(6)]).toEqual([true, true]);
  expect(two!.asked.times).toBe(1);
  await two!.redis.connect();
  // One asks for itself and tells of the two before.
  expect(await two!.passes(6)).toBe(true);
  expect([await one!.passes(6), await one!.passes(6)]).toEqual([true, false]);
});

it("a Redis that is emptied is told of what had been spent (S2)", async () => {
  const { all, key } = await instances(2);
  const [one, two] = all;
  for (let i = 0; i < 4; i++) expect(await one!.passes(5)).toBe(true);
  await one!.redis.del(`${prefix}:rate:${key}`);
  expect([await one!.passes(5), await two!.passes(5)]).toEqual([true, false]);
});

it.each([
  ["would last for an hour, since Redis's clock was set back", "pexpire"],
  ["would last for ever", "persist"],
] as const)("a window that %s ends within a minute all the same", async (_why, make) => {
  const { all, key } = await instances(2);
  const [one, two] = all;
  for (let i = 0; i < 2; i++) expect(await one!.passes(2)).toBe(true);
  const window = `${prefix}:rate:${key}`;
  await (make === "persist" ? one!.redis.persist(window) : one!.redis.pexpire(window, 3_600_000));
  const refused = await two!.rate.take(key, 2);
  expect(refused.passed).toBe(false);
  for (const leftMs of [refused.resetMs, await one!.redis.pttl(window)]) {
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(60_000);
  }
});

it("its window is gone from Redis when its minute is over", async () => {
  const { all, key } = await instances(1);
  const [one] = all;
  expect(await one!.passes(5)).toBe(true);
  const restMs = await one!.redis.pttl(`${prefix}:rate:${key}`);
  expect(restMs).toBeGreaterThan(0);
  expect(restMs).toBeLessThanOrEqual(60_000);
});
