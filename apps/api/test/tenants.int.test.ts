import { randomUUID } from "node:crypto";
import { transformStep, uniqueName, workflowOf } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type World, clientOf, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const LIMITS = { apiPerMinute: 600, webhookPerMinute: 1200, unfinishedExecutions: 10_000 };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe("POST /v1/tenants", () => {
  it("makes a tenant and its first key, which has all scopes and works", async () => {
    const slug = uniqueName("acme");
    const { body, headers } = await world.operator.post("/v1/tenants", { slug, name: "Acme Ltd" }).expect(201);
    expect(body).toEqual({
      tenant: {
        id: expect.any(String),
        slug,
        name: "Acme Ltd",
        limits: LIMITS,
        createdAt: expect.stringMatching(TIME),
      },
      apiKey: {
        id: expect.any(String),
        key: expect.stringMatching(/^kee_[0-9A-Za-z]{36}$/),
        name: "first",
        prefix: body.apiKey.key.slice(0, 10),
        scopes: ["read", "write", "trigger", "admin"],
        createdAt: expect.stringMatching(TIME),
        expiresAt: null,
        lastUsedAt: null,
      },
    });
    expect(headers["location"]).toBe(`/v1/tenants/${body.tenant.id}`);
    await clientOf(world.app, body.tenant.id, body.apiKey.key).get("/v1/workflows").expect(200);
  });

  it("refuses a slug that is taken with 409, whoever is first", async () => {
    const slug = uniqueName("acme");
    const answers = await Promise.all([1, 2, 3, 4].map(() => world.operator.post("/v1/tenants", { slug, name: "x" })));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 409, 409, 409]);
    expect(answers.find((answer) => answer.status === 409)?.body.code).toBe("NAME_TAKEN");
  });

  it.each([
    {},
    { slug: "x" },
    { slug: "X", name: "x" },
    { slug: "-x", name: "x" },
    { slug: "x", name: "" },
    { slug: "x", name: "x", id: "1" },
  ])("refuses %j with 400", async (body) => {
    expect((await world.operator.post("/v1/tenants", body).expect(400)).body.code).toBe("INVALID_REQUEST");
  });
});

describe("GET, PATCH and DELETE /v1/tenants/:id", () => {
  it("reads and lists them, newest first", async () => {
    const older = await world.tenant();
    const newer = await world.tenant();
    const { body } = await world.operator.get(`/v1/tenants/${older.tenantId}`).expect(200);
    expect(body).toMatchObject({ id: older.tenantId, limits: LIMITS });
    const list = await world.operator.get("/v1/tenants?limit=2").expect(200);
    expect(list.body.items.map((item: { id: string }) => item.id)).toEqual([newer.tenantId, older.tenantId]);
    expect(list.body.items[1]).toEqual(body);
  });

  it("changes the limits that are named, in force at once, and keeps the others", async () => {
    const { tenantId } = await world.tenant();
    const path = `/v1/tenants/${tenantId}`;
    const one = await world.operator.patch(path, { limits: { apiPerMinute: 5 } }).expect(200);
    expect(one.body.limits).toEqual({ ...LIMITS, apiPerMinute: 5 });
    const two = await world.operator.patch(path, { limits: { unfinishedExecutions: 7 } }).expect(200);
    expect(two.body.limits).toEqual({ ...LIMITS, apiPerMinute: 5, unfinishedExecutions: 7 });
    expect((await world.operator.patch(path, {}).expect(200)).body).toEqual(two.body);
    for (const body of [
      { limits: { apiPerMinute: 0 } },
      { limits: { other: 1 } },
      { name: "x" },
      { limits: { apiPerMinute: "5" } },
    ]) {
      expect((await world.operator.patch(path, body)).status).toBe(400);
    }
  });

  it("deletes one: its keys are refused, its slug is free, and it is found no more", async () => {
    const tenant = await world.tenant();
    const { slug } = (await world.operator.get(`/v1/tenants/${tenant.tenantId}`).expect(200)).body;
    const schedule = { id: "nightly", type: "schedule", cron: "0 2 * * *" };
    await tenant.save(workflowOf([transformStep("one", 1)], { triggers: [schedule] }));
    await world.operator.delete(`/v1/tenants/${tenant.tenantId}`).expect(204);
    expect((await tenant.get("/v1/workflows").expect(401)).body.detail).toContain("deleted");
    for (const method of ["get", "patch", "delete"] as const) {
      await world.operator.call(method, `/v1/tenants/${tenant.tenantId}`, {}).expect(404);
    }
    const listed = await world.operator.get("/v1/tenants?limit=100").expect(200);
    expect(listed.body.items.map((item: { id: string }) => item.id)).not.toContain(tenant.tenantId);
    const { rows } = await world.admin.pool.query("select in_latest from keelson.schedules where tenant_id = $1", [
      tenant.tenantId,
    ]);
    expect(rows).toEqual([{ in_latest: false }]);
    await world.operator.post("/v1/tenants", { slug, name: "again" }).expect(201);
  });

  it("walks past deleted ones, so that a page is full", async () => {
    const kept = await world.tenant();
    for (let n = 0; n < 3; n++) {
      const { tenantId } = await world.tenant();
      await world.operator.delete(`/v1/tenants/${tenantId}`).expect(204);
    }
    const { body } = await world.operator.get("/v1/tenants?limit=1").expect(200);
    expect(body.items.map((item: { id: string }) => item.id)).toEqual([kept.tenantId]);
    expect(body.nextCursor).not.toBeNull();
  });

  it.each(["get", "patch", "delete"] as const)("%s of one that is not there is 404", async (method) => {
    const answer = await world.operator.call(method, `/v1/tenants/${randomUUID()}`, {}).expect(404);
    expect(answer.body.code).toBe("NOT_FOUND");
  });
});
