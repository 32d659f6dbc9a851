import { eventually, testRedisUrl } from "@keelson/testkit";
import type { Express } from "express";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newApiKey } from "../src/auth/api-key.ts";
import { type RedisProxy, redisProxy } from "./support/redis-proxy.ts";
import { type Client, type World, clientOf, createWorld } from "./support/world.ts";

let world: World;
/** A second instance over the same database and Redis. */
let other: Express;
beforeAll(async () => {
  world = await createWorld();
  other = world.anotherInstance();
  await connected(other);
});
afterAll(() => world.close());

const SECRETS = "/v1/secrets";
const SOME_ID = "0192aaaa-0000-7000-8000-000000000001";

/** A new tenant with this limit. */
async function tenantWith(apiPerMinute: number): Promise<Client> {
  const tenant = await world.tenant();
  await limit(tenant, apiPerMinute);
  return tenant;
}

async function limit(tenant: Client, apiPerMinute: number): Promise<void> {
  await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { apiPerMinute } }).expect(200);
}

/** What the other instances say to the same key. */
function at(app: Express, client: Client): Client {
  return clientOf(app, client.tenantId, client.key);
}

async function statusesOf(clients: readonly Client[], times: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let n = 0; n < times; n++) statuses.push((await clients[n % clients.length]!.get(SECRETS)).status);
  return statuses;
}

async function connected(app: Express, isConnected = true): Promise<void> {
  await eventually(async () => {
    const { body } = await request(app).get("/readyz");
    expect(body.checks.redis.ok).toBe(isConnected);
  });
}

describe("each key", () => {
  it("makes exactly its limit of requests in a fresh minute, then 429 that tells what to do", async () => {
    const tenant = await tenantWith(30);
    expect(await statusesOf([tenant], 30)).toEqual(Array.from({ length: 30 }, () => 200));
    const refused = await tenant.get(SECRETS).expect(429);
    expect(refused.headers["content-type"]).toBe("application/problem+json");
    expect(refused.headers["retry-after"]).toMatch(/^[1-9]\d?$/);
    expect(refused.headers["retry-after"]).toBe(refused.headers["ratelimit-reset"]);
    expect(refused.body).toMatchObject({ code: "RATE_LIMITED", status: 429 });
    for (const said of ["30 requests a minute", "`apiPerMinute`", "wait", "operator"]) {
      expect(refused.body.detail).toContain(said);
    }
  });

  it("is told on every answer what is left, whatever the answer", async () => {
    const tenant = await tenantWith(100);
    const reader = await tenant.withScopes(["read"]);
    const calls = [
      reader.get("/v1/me").expect(200),
      reader.get(`/v1/executions/${SOME_ID}`).expect(404),
      reader.get("/v1/executions/not-an-id").expect(404),
      reader.get("/v1/workflows?unknown=1").expect(400),
      reader.put(`${SECRETS}/NAME`, { value: "x" }).expect(403),
    ];
    for (const [before, call] of calls.entries()) {
      const { headers } = await call;
      expect(headers).toMatchObject({
        "ratelimit-limit": "100",
        "ratelimit-remaining": String(99 - before),
        "ratelimit-policy": "100;w=60",
      });
      expect(Number(headers["ratelimit-reset"])).toBeGreaterThanOrEqual(1);
      expect(Number(headers["ratelimit-reset"])).toBeLessThanOrEqual(60);
    }
  });

  it("is counted by itself, the tenant's other keys too", async () => {
    const tenant = await tenantWith(2);
    const another = await tenant.withScopes(["read"]);
    expect(await statusesOf([tenant], 2)).toEqual([200, 429]);
    expect(await statusesOf([another], 3)).toEqual([200, 200, 429]);
  });

  it("changes nothing with a request that is refused", async () => {
    const tenant = await tenantWith(2);
    const reader = await tenant.withScopes(["read"]);
    await tenant.put(`${SECRETS}/ONE`, { value: "x" }).expect(204);
    await tenant.put(`${SECRETS}/TWO`, { value: "x" }).expect(429);
    const { body } = await reader.get(SECRETS).expect(200);
    expect(body.items.map(({ name }: { name: string }) => name)).toEqual(["ONE"]);
  });

  it("is told on a stream of events, which is one request", async () => {
    const tenant = await tenantWith(10);
    await tenant.save({ name: "one", steps: [{ id: "a", type: "transform", config: { output: 1 } }] });
    await world.work();
    const { body } = await tenant.post("/v1/workflows/one/executions?wait=20", {}).expect(200);
    const stream = await tenant.get(`/v1/executions/${body.id}/events`).set("accept", "text/event-stream").expect(200);
    expect(stream.headers["ratelimit-remaining"]).toBe("7");
  });
});

describe("the operator", () => {
  it("is not limited", async () => {
    for (const path of ["/v1/me", "/v1/tenants"]) {
      const { headers } = await world.operator.get(path).expect(200);
      expect(Object.keys(headers).filter((name) => name.startsWith("ratelimit"))).toEqual([]);
    }
  });
});

describe("over two instances", () => {
  it("a small limit is exact", async () => {
    const tenant = await tenantWith(3);
    expect(await statusesOf([tenant, at(other, tenant)], 6)).toEqual([200, 200, 200, 429, 429, 429]);
  });

  it("a burst passes up to the limit and no further", async () => {
    const tenant = await tenantWith(120);
    const both = [tenant, at(other, tenant)];
    const answers = await Promise.all(Array.from({ length: 160 }, (_, n) => both[n % 2]!.get("/v1/me")));
    const passed = answers.filter(({ status }) => status === 200).length;
    expect(passed).toBeLessThanOrEqual(120);
    expect(passed).toBeGreaterThanOrEqual(120 - 2 * 2);
  });

  it("a changed limit holds for the next requests, here at once and there as soon as the message is there", async () => {
    const tenant = await tenantWith(600);
    const there = at(other, tenant);
    expect(await statusesOf([tenant, there], 4)).toEqual([200, 200, 200, 200]);
    await limit(tenant, 1);
    await tenant.get(SECRETS).expect(429);
    await eventually(async () => expect((await there.get(SECRETS)).status).toBe(429));
    await limit(tenant, 1_000);
    await tenant.get(SECRETS).expect(200);
    await eventually(async () => expect((await there.get(SECRETS)).headers["ratelimit-limit"]).toBe("1000"));
    await there.get(SECRETS).expect(200);
  });
});

describe("while Redis", () => {
  async function overProxy(): Promise<{ proxy: RedisProxy; app: Express }> {
    const proxy = await redisProxy(testRedisUrl());
    const app = world.anotherInstance({ redisUrl: proxy.url });
    await connected(app);
    return { proxy, app };
  }

  it("is away, an instance goes on with what it knows of the minute, and counts with the others when it is back", async () => {
    const { proxy, app } = await overProxy();
    const tenant = await tenantWith(6);
    const there = at(app, tenant);
    expect(await statusesOf([tenant, there], 2)).toEqual([200, 200]);
    proxy.cut();
    await connected(app, false);
    expect(await statusesOf([there], 5)).toEqual([200, 200, 200, 200, 429]);
    proxy.restore();
    await connected(app);
  });

  it("has lost a connection for a moment, what passed meanwhile is counted for all", async () => {
    const { proxy, app } = await overProxy();
    const tenant = await tenantWith(6);
    const there = at(app, tenant);
    proxy.cut();
    await connected(app, false);
    expect(await statusesOf([there], 4)).toEqual([200, 200, 200, 200]);
    proxy.restore();
    await connected(app);
    expect(await statusesOf([there], 1)).toEqual([200]);
    expect(await statusesOf([tenant], 2)).toEqual([200, 429]);
  });

  it("does not answer, requests pass all the same, and are limited", async () => {
    const { proxy, app } = await overProxy();
    const tenant = await tenantWith(3);
    proxy.hang();
    expect(await statusesOf([at(app, tenant)], 5)).toEqual([200, 200, 200, 429, 429]);
  });
});

describe("an address with many missing or wrong keys", () => {
  const bounds = { ofAddress: 5, ofAll: 1_000 };
  const wrong = (app: Express, key = newApiKey().key) => clientOf(app, "", key).get("/v1/me");

  it("is answered 429 instead of 401, with Retry-After, and told what is wrong", async () => {
    const app = world.anotherInstance({ wrongKeysPerMinute: bounds });
    for (let n = 0; n < 5; n++) await wrong(app).expect(401);
    const refused = await wrong(app).expect(429);
    expect(refused.body).toMatchObject({ code: "RATE_LIMITED" });
    expect(refused.body.detail).toContain("There is no such API key.");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThanOrEqual(1);
    await request(app).get("/v1/me").expect(429);
    await wrong(app, "not-a-key").expect(429);
    await clientOf(app, "", "wrong-token").get("/v1/tenants").expect(429);
  });

  it("never shuts out a valid key, not even one seen for the first time, nor the operator", async () => {
    const app = world.anotherInstance({ wrongKeysPerMinute: bounds });
    const [a, b] = [await world.tenant(), await world.tenant()];
    const doomed = await a.withScopes(["read"]);
    for (let n = 0; n < 6; n++) await wrong(app);
    const answers = await Promise.all([
      at(app, a).get("/v1/me").expect(200),
      wrong(app).expect(429),
      at(app, b).get("/v1/me").expect(200),
      at(app, doomed).get("/v1/me").expect(200),
      wrong(app).expect(429),
    ]);
    expect(answers.map(({ body }) => body.tenant?.id ?? null)).toEqual([
      a.tenantId,
      null,
      b.tenantId,
      a.tenantId,
      null,
    ]);
    await clientOf(app, "", world.operator.key).get("/v1/tenants").expect(200);
  });

  it("leaves probes alone", async () => {
    const app = world.anotherInstance({ wrongKeysPerMinute: bounds });
    for (let n = 0; n < 6; n++) await wrong(app);
    for (const path of ["/healthz", "/readyz", "/metrics"]) expect((await request(app).get(path)).status).toBe(200);
  });
});
