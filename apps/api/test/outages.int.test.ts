import { randomBytes } from "node:crypto";
import { createLogins, openDatabase } from "@keelson/db";
import { createLogger, createMetrics } from "@keelson/service-kit";
import { createTestDatabase, freePort, testRedisPrefix, testRedisUrl } from "@keelson/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { createApi } from "../src/create-api.ts";
import { newApiKey } from "../src/auth/api-key.ts";
import { documentOf } from "./support/documents.ts";
import { ADMIN_TOKEN, clientOf, createTenant } from "./support/world.ts";

describe("without Redis (I9)", () => {
  it("everything is taken as ever, and the service is ready", async () => {
    const { app } = await apiOver({ redisUrl: `redis://127.0.0.1:${await freePort()}` });
    const client = await createTenant(app);
    const name = await client.save(documentOf());
    const { body } = await client.post(`/v1/workflows/${name}/executions`, {}).expect(202);
    await client.post(`/v1/executions/${body.id}/cancel`).expect(202);
    await client.put("/v1/secrets/NAME", { value: "x" }).expect(204);
    const ready = await clientOf(app, "", "").raw("/readyz").expect(200);
    expect(ready.body.checks.redis).toEqual({ ok: false, required: false });
  });

  it("a revoked key is refused within a second on an instance that nobody tells", async () => {
    const shared = await databaseOfItsOwn();
    const redisUrl = `redis://127.0.0.1:${await freePort()}`;
    const one = await apiOver({ redisUrl, ...shared });
    const two = await apiOver({ redisUrl, ...shared });
    const client = await createTenant(one.app);
    const { body } = await client.post("/v1/api-keys", { name: "doomed" }).expect(201);
    const there = clientOf(two.app, client.tenantId, body.key);
    await there.get("/v1/workflows").expect(200);
    await client.delete(`/v1/api-keys/${body.id}`).expect(204);
    await expect.poll(async () => (await there.get("/v1/workflows")).status, { timeout: 3_000 }).toBe(401);
  });
});

describe("without PostgreSQL", () => {
  it("every call is 503 with Retry-After, as problem+json, and the service is not ready", async () => {
    const databaseUrl = `postgres://nobody:x@127.0.0.1:${await freePort()}/none`;
    const { app } = await apiOver({ databaseUrl });
    const client = clientOf(app, "", newApiKey().key);
    for (const path of ["/v1/workflows", "/v1/executions", "/v1/me"]) {
      const answer = await client.get(path).expect(503);
      expect(answer.body).toMatchObject({ code: "UNAVAILABLE", status: 503 });
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    }
    const operator = clientOf(app, "", ADMIN_TOKEN);
    await operator.post("/v1/tenants", { slug: "x", name: "x" }).expect(503);
    await operator.get("/v1/tenants").expect(503);
    expect((await operator.get("/v1/me").expect(200)).body.kind).toBe("operator");
    await client.raw("/readyz").expect(503);
    await client.raw("/healthz").expect(200);
  });
});

async function databaseOfItsOwn(): Promise<{ databaseUrl: string }> {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const logins = await createLogins({ adminUrl: database.adminUrl, suffix: database.name.slice(-8) });
  return { databaseUrl: logins.app };
}

async function apiOver(urls: { databaseUrl?: string; redisUrl?: string }) {
  const databaseUrl = urls.databaseUrl ?? (await databaseOfItsOwn()).databaseUrl;
  const db = openDatabase({ url: databaseUrl, applicationName: "keelson-api-test" });
  const api = createApi({
    db,
    redisUrl: urls.redisUrl ?? testRedisUrl(),
    redisPrefix: testRedisPrefix(),
    adminToken: ADMIN_TOKEN,
    masterKeys: [{ version: 1, bytes: randomBytes(32) }],
    ingressUrl: "http://127.0.0.1:4001",
    log: createLogger({ service: "api", level: "silent" }),
    metrics: createMetrics({ service: "api" }),
    stopping: new AbortController().signal,
  });
  onTestFinished(async () => {
    await api.close();
    await db.close();
  });
  return api;
}
