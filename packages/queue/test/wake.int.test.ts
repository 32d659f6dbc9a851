import { eventually, testRedisPrefix, testRedisUrl } from "@keelson/testkit";
import { afterEach, expect, it } from "vitest";
import { v7 as newId } from "uuid";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import {
  createHints,
  createWakeConsumer,
  openRedis,
  WAKE_QUEUE,
  type HintSender,
  type WakeConsumer,
} from "../src/index.ts";

const log = { redisLost: () => undefined, redisBack: () => undefined };
const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function open(onWake: (ref: { tenantId: string; executionId: string }) => Promise<void>): {
  hints: HintSender;
  consumer: WakeConsumer;
  redis: Redis;
  prefix: string;
} {
  const prefix = testRedisPrefix();
  const redis = openRedis(testRedisUrl(), "test", "command", log);
  const blocking = openRedis(testRedisUrl(), "test-consumer", "blocking", log);
  cleanUps.push(
    () => redis.disconnect(),
    () => blocking.disconnect(),
  );
  const hints = createHints(redis, prefix);
  const consumer = createWakeConsumer({ redis: blocking, prefix, concurrency: 8, onWake, onError: () => undefined });
  cleanUps.push(
    () => hints.close(),
    () => consumer.close(),
  );
  return { hints, consumer, redis, prefix };
}

it("carries a wake-up from whoever knows to whoever works", async () => {
  const seen: string[] = [];
  const { hints } = open(async ({ executionId }) => void seen.push(executionId));
  const ids = [newId(), newId()];
  const tenantId = newId();
  await eventually(async () => expect(await hints.backlog()).toBe(0));
  for (const executionId of ids) hints.wake({ tenantId, executionId }, 0);
  await eventually(() => expect(seen.toSorted()).toEqual(ids.toSorted()));
  expect(hints.counts).toEqual({ sent: 2, dropped: 0 });
});

it("carries what is asked for at once in few messages, and takes one that names a single execution", async () => {
  const seen: string[] = [];
  const { hints, redis, prefix } = open(async ({ executionId }) => void seen.push(executionId));
  const tenantId = newId();
  const ids = Array.from({ length: 20 }, () => newId());
  await eventually(async () => expect(await hints.backlog()).toBe(0));
  for (const executionId of ids) hints.wake({ tenantId, executionId }, 0);
  await eventually(() => expect(seen.toSorted()).toEqual(ids.toSorted()));
  // BullMQ numbers its jobs.
  expect(await redis.get(`${prefix}:${WAKE_QUEUE}:id`)).toBe("3");

  const single = { tenantId, executionId: newId() };
  const queue = new Queue(WAKE_QUEUE, { connection: redis, prefix });
  await queue.add(WAKE_QUEUE, single);
  await eventually(() => expect(seen).toContain(single.executionId));
  await queue.close();
});

it("carries what is due at about the same time in one message, which comes when the last of it is due", async () => {
  const { hints, redis, prefix } = open(() => Promise.resolve());
  const tenantId = newId();
  await eventually(async () => expect(await hints.backlog()).toBe(0));
  for (const delayMs of [60_030, 60_000, 60_020.5, 60_010, 60_019.5])
    hints.wake({ tenantId, executionId: newId() }, delayMs);
  const queue = new Queue(WAKE_QUEUE, { connection: redis, prefix });
  await eventually(async () => expect(await queue.getDelayedCount()).toBe(2));
  const messages = await queue.getDelayed();
  const told = messages.map(({ opts, data }) => `${(data as { wakes: [] }).wakes.length} in ${opts.delay} ms`);
  expect(told.toSorted()).toEqual(["2 in 60030 ms", "3 in 60020 ms"]);
  await queue.close();
});

it("keeps to its prefix: whoever has another one is not woken", async () => {
  const [mine, others]: string[][] = [[], []];
  const { hints } = open(async ({ executionId }) => void mine!.push(executionId));
  open(async ({ executionId }) => void others!.push(executionId));
  const executionId = newId();
  await eventually(async () => expect(await hints.backlog()).toBe(0));
  hints.wake({ tenantId: newId(), executionId }, 0);
  await eventually(() => expect(mine).toEqual([executionId]));
  expect(others).toEqual([]);
});
