// The service as a process of its own: its configuration, its life with and without Redis, and changes told of over Redis.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { WebhookTrigger } from "@keelson/contracts";
import { createWakeConsumer, openRedis, publishChange } from "@keelson/queue";
import { eventually, freePort, testRedisPrefix, testRedisUrl } from "@keelson/testkit";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { post } from "./support/post.ts";
import { OTHER_WHSEC, standardHeaders, WHSEC } from "./support/sign.ts";
import type { TestTenant } from "./support/tenant.ts";
import { createWorld, MASTER_KEY, type World } from "./support/world.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
const BODY = JSON.stringify({ orderId: "o-1" });
const MAIN = join(import.meta.dirname, "../src/main.ts");
const QUIET = { redisLost: () => undefined, redisBack: () => undefined };

let world: World;
let tenant: TestTenant;
const children: ChildProcess[] = [];
const cleanUps: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  world = await createWorld();
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }
});
afterAll(() => world.close());

function spawnIngress(env: Readonly<Record<string, string>>): { child: ChildProcess; output: () => string } {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env["PATH"], STOP_DELAY: "0s", ...env },
    stdio: "pipe",
  });
  children.push(child);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function startIngress(redisUrl: string, prefix = testRedisPrefix(), env: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { child, output } = spawnIngress({
    DATABASE_URL: world.appUrl,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: prefix,
    INGRESS_PORT: String(port),
    KEELSON_MASTER_KEY: MASTER_KEY.toString("base64"),
    ...env,
  });
  const ready = await eventually(
    async () => {
      const answer = await post(url, { method: "GET", path: "/readyz" });
      expect([answer.status, output()]).toEqual([200, expect.any(String)]);
      return answer.json;
    },
    { withinMs: 25_000 },
  );
  return { url, child, output, ready };
}

it("takes webhooks while Redis is away, says so, and stops cleanly when asked to", async () => {
  const { url, child, ready } = await startIngress(`redis://127.0.0.1:${await freePort()}`);
  expect(ready.checks).toEqual({ postgres: { ok: true, required: true }, redis: { ok: false, required: false } });
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const answer = await post(url, { path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
  expect(answer.status).toBe(202);
  expect(answer.json.statusUrl?.startsWith(`${url}/receipts/`)).toBe(true);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

it("hints at what it took, and forgets at once what it is told has changed", async () => {
  const prefix = testRedisPrefix();
  const redis = openRedis(testRedisUrl(), "test", "command", QUIET);
  const blocking = openRedis(testRedisUrl(), "test-consumer", "blocking", QUIET);
  const woken: string[] = [];
  const consumer = createWakeConsumer({
    redis: blocking,
    prefix,
    concurrency: 4,
    onWake: async ({ executionId }) => void woken.push(executionId),
    onError: () => undefined,
  });
  cleanUps.push(
    () => consumer.close(),
    () => redis.disconnect(),
    () => blocking.disconnect(),
  );
  const { url } = await startIngress(testRedisUrl(), prefix, {
    KEELSON_PUBLIC_INGRESS_URL: "https://hooks.example.com/shop/",
  });
  await eventually(async () => {
    const { json } = await post(url, { method: "GET", path: "/readyz" });
    expect(json.checks?.["redis"]).toEqual({ ok: true, required: false });
  });
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const send = (secret: string) =>
    post(url, { path: workflow.path(), headers: standardHeaders(BODY, { secret }), body: BODY });
  // The queue itself opens a moment after the service is ready: what is hinted before is left to the sweep.
  await eventually(async () => {
    const { json } = await send(WHSEC);
    expect(json.statusUrl).toMatch(/^https:\/\/hooks\.example\.com\/shop\/receipts\/[\w-]{96}$/);
    await eventually(() => expect(woken).toContain(json.executionId), { withinMs: 500 });
  });
  await tenant.secret("HOOK", OTHER_WHSEC);
  publishChange(redis, prefix, `tenant:${tenant.id}:secret:HOOK`);
  await eventually(async () => expect((await send(OTHER_WHSEC)).status).toBe(202));
  expect((await send(WHSEC)).status).toBe(401);
  await tenant.secret("HOOK", WHSEC);
});

it("does not start with a setting that is wrong or missing, and names all of them", async () => {
  const { child, output } = spawnIngress({ REDIS_URL: "http://x", KEELSON_MASTER_KEY: "short", INGRESS_PORT: "x" });
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(1);
  for (const name of ["DATABASE_URL", "REDIS_URL", "KEELSON_MASTER_KEY", "INGRESS_PORT"])
    expect(output()).toContain(name);
  expect(output()).not.toContain("short");
});
