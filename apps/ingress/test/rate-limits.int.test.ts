// The rate of a hook over two ingresses that share one Redis, and without it.

import type { WebhookTrigger } from "@keelson/contracts";
import { eventually, testRedisUrl } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { cutProxy } from "./support/cut-proxy.ts";
import { standardHeaders, WHSEC } from "./support/sign.ts";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
// Signed, and refused for itself with 400: the rate stands before that, and nothing is stored.
const BODY = "{";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

type Send = (ingress: RunningIngress) => Promise<{ status: number; retryAfter: number }>;

async function hookOf(limits: Parameters<World["tenant"]>[0]) {
  const tenant = await world.tenant(limits);
  await tenant.secret("HOOK", WHSEC);
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const send: Send = async (ingress) => {
    const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    return { status: answer.status, retryAfter: Number(answer.headers["retry-after"]) };
  };
  return { tenant, send, path: workflow.path() };
}

async function ingressOver(redisUrl: string): Promise<RunningIngress> {
  const ingress = await world.ingress(undefined, redisUrl);
  await eventually(() => expect(ingress.redis?.status).toBe("ready"));
  return ingress;
}

const twoIngresses = () => Promise.all([ingressOver(testRedisUrl()), ingressOver(testRedisUrl())]);

async function statusesOf(send: Send, ingresses: readonly RunningIngress[], times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await send(ingresses[n % ingresses.length]!)).status);
  return statuses;
}

it("a hook's rate is one for all ingresses, exactly where it is small", async () => {
  const { send } = await hookOf({ webhookPerMinute: 3 });
  expect(await statusesOf(send, await twoIngresses(), 6)).toEqual([400, 400, 400, 429, 429, 429]);
});

it("a burst over two ingresses passes up to the limit and no further", async () => {
  const { send } = await hookOf({ webhookPerMinute: 120 });
  const both = await twoIngresses();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => send(both[n % 2]!)));
  const passed = answers.filter(({ status }) => status === 400).length;
  expect(passed).toBeLessThanOrEqual(120);
  expect(passed).toBeGreaterThanOrEqual(120 - 2 * 2);
  for (const { retryAfter } of answers.filter(({ status }) => status === 429)) {
    expect(retryAfter).toBeGreaterThanOrEqual(1);
    expect(retryAfter).toBeLessThanOrEqual(60);
  }
});

it("a changed limit holds for the next request on every ingress that was told", async () => {
  const { tenant, send } = await hookOf({ webhookPerMinute: 600 });
  const both = await twoIngresses();
  expect(await statusesOf(send, both, 4)).toEqual([400, 400, 400, 400]);
  await tenant.limit({ webhookPerMinute: 4 });
  for (const { hooks } of both) hooks.forgetTenant(tenant.id);
  expect(await statusesOf(send, both, 2)).toEqual([429, 429]);
  await tenant.limit({ webhookPerMinute: 5 });
  for (const { hooks } of both) hooks.forgetTenant(tenant.id);
  expect(await statusesOf(send, both, 2)).toEqual([400, 429]);
});

it("wrong signatures use up nothing of it", async () => {
  const { send, path } = await hookOf({ webhookPerMinute: 1 });
  const [one] = await twoIngresses();
  const headers = { ...standardHeaders(BODY), "webhook-signature": "v1,AAAA" };
  for (let n = 0; n < 5; n++) expect((await one.send({ path, headers, body: BODY })).status).toBe(401);
  expect(await statusesOf(send, [one], 2)).toEqual([400, 429]);
});

it("while Redis is away each ingress goes on by what it knows, and both count together again when it is back", async () => {
  const proxy = await cutProxy(testRedisUrl());
  onTestFinished(() => proxy.close());
  const both = [await ingressOver(proxy.url), await ingressOver(proxy.url)];
  const { send } = await hookOf({ webhookPerMinute: 8 });
  // The second knows of both.
  expect(await statusesOf(send, both, 2)).toEqual([400, 400]);
  proxy.cut();
  for (const { redis } of both) await eventually(() => expect(redis?.status).not.toBe("ready"));
  expect(await statusesOf(send, both.slice(1), 4)).toEqual([400, 400, 400, 400]);
  proxy.restore();
  for (const { redis } of both) await eventually(() => expect(redis?.status).toBe("ready"));
  // The second tells of its four with its next: seven so far.
  expect(await statusesOf(send, both.slice(1), 1)).toEqual([400]);
  expect(await statusesOf(send, both, 3)).toEqual([400, 429, 429]);
});

it("an ingress that never reaches Redis holds the limit by itself", async () => {
  const proxy = await cutProxy(testRedisUrl());
  proxy.cut();
  onTestFinished(() => proxy.close());
  const alone = await world.ingress(undefined, proxy.url);
  const { send } = await hookOf({ webhookPerMinute: 3 });
  expect(await statusesOf(send, [alone], 5)).toEqual([400, 400, 400, 429, 429]);
});
