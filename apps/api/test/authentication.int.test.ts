import { transformStep, workflowOf } from "@keelson/testkit";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../src/routes/all.ts";
import { withIds } from "./support/paths.ts";
import { ADMIN_TOKEN, type World, clientOf, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const SOME_ID = "0192aaaa-0000-7000-8000-000000000001";
const routes = ROUTES.map(({ method, path }) => ({ title: `${method} ${path}`, method, path: withIds(path) }));
type Method = (typeof routes)[number]["method"];

describe.each(routes)("$title", ({ method, path }) => {
  it("is 401 without a key, with a wrong one, with a key of another kind, and says how to authenticate", async () => {
    const headers = [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      "Basic abc",
      world.a.key,
      "Bearer kee_nonsense",
      `Bearer ${world.a.key.slice(0, -1)}${world.a.key.endsWith("x") ? "y" : "x"}`,
      "Bearer kee_0123456789abcdefghijABCDEFGHIJ000000",
      `Bearer ${path.startsWith("/v1/tenants") ? world.a.key : `${ADMIN_TOKEN}x`}`,
    ];
    for (const header of headers) {
      const sent = request(world.app)[method](path);
      if (header !== undefined) void sent.set("authorization", header);
      const answer = await sent;
      expect(answer.body).toMatchObject({ code: "UNAUTHENTICATED", status: 401 });
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
      expect(answer.headers["content-type"]).toBe("application/problem+json");
    }
  });
});

describe("API keys", () => {
  it("work under any spelling of Bearer", async () => {
    const answer = await request(world.app).get("/v1/workflows").set("authorization", `bEARER   ${world.a.key}`);
    expect(answer.status).toBe(200);
  });

  it("are refused from the moment they expire", async () => {
    const { tenantId } = world.a;
    const { body } = await world.a.post("/v1/api-keys", { name: "short", expiresAt: inMs(60_000) }).expect(201);
    const client = clientOf(world.app, tenantId, body.key);
    await client.get("/v1/workflows").expect(200);
    await world.admin.pool.query("update keelson.api_keys set expires_at = now() where id = $1", [body.id]);
    const later = clientOf(world.anotherInstance(), tenantId, body.key);
    const refused = await later.get("/v1/workflows").expect(401);
    expect(refused.body.detail).toContain("expired");
  });

  it("are refused once revoked, at once on this instance and within a second on every other", async () => {
    const { body } = await world.a.post("/v1/api-keys", { name: "doomed" }).expect(201);
    const here = clientOf(world.app, world.a.tenantId, body.key);
    const there = clientOf(world.anotherInstance(), world.a.tenantId, body.key);
    await here.get("/v1/workflows").expect(200);
    await there.get("/v1/workflows").expect(200);
    await world.a.delete(`/v1/api-keys/${body.id}`).expect(204);
    const revokedAt = performance.now();
    await here.get("/v1/workflows").expect(401);
    let accepted = 0;
    while ((await there.get("/v1/workflows")).status !== 401) {
      expect(performance.now() - revokedAt).toBeLessThan(2_000);
      accepted++;
    }
    expect(accepted).toBeGreaterThanOrEqual(0);
  });
});

describe("scopes", () => {
  const needs: readonly [Method, string, string][] = [
    ["get", "/v1/workflows", "read"],
    ["get", "/v1/workflows/some", "read"],
    ["get", "/v1/workflows/some/versions", "read"],
    ["get", "/v1/workflows/some/versions/1", "read"],
    ["get", "/v1/secrets", "read"],
    ["get", "/v1/executions", "read"],
    ["get", `/v1/executions/${SOME_ID}`, "read"],
    ["post", "/v1/workflows", "write"],
    ["post", "/v1/workflows/validate", "write"],
    ["put", "/v1/workflows/some", "write"],
    ["delete", "/v1/workflows/some", "write"],
    ["put", "/v1/secrets/NAME", "write"],
    ["delete", "/v1/secrets/NAME", "write"],
    ["post", "/v1/workflows/some/executions", "trigger"],
    ["get", `/v1/executions/${SOME_ID}/events`, "read"],
    ["get", `/v1/executions/${SOME_ID}/explain`, "read"],
    ["get", `/v1/executions/${SOME_ID}/steps/one`, "read"],
    ["get", "/v1/schedules", "read"],
    ["get", `/v1/schedules/${SOME_ID}`, "read"],
    ["get", "/v1/deliveries", "read"],
    ["get", `/v1/deliveries/${SOME_ID}`, "read"],
    ["post", "/v1/workflows/some/pause", "write"],
    ["post", "/v1/workflows/some/resume", "write"],
    ["post", `/v1/schedules/${SOME_ID}/pause`, "write"],
    ["post", `/v1/schedules/${SOME_ID}/resume`, "write"],
    ["post", `/v1/executions/${SOME_ID}/cancel`, "trigger"],
    ["post", `/v1/executions/${SOME_ID}/retry`, "trigger"],
    ["post", `/v1/executions/${SOME_ID}/replay`, "trigger"],
    ["post", `/v1/executions/${SOME_ID}/steps/one/wake`, "trigger"],
    ["post", `/v1/deliveries/${SOME_ID}/redeliver`, "trigger"],
    ["get", "/v1/audit", "admin"],
    ["get", "/v1/api-keys", "admin"],
    ["post", "/v1/api-keys", "admin"],
    ["delete", `/v1/api-keys/${SOME_ID}`, "admin"],
  ];

  it.each(needs)("%s %s takes %s alone", async (method, path, scope) => {
    const allowed: string[] = [];
    for (const held of ["read", "write", "trigger", "admin"] as const) {
      const client = await world.a.withScopes([held]);
      const answer = await client.call(method, path);
      if (answer.body.code !== "FORBIDDEN_SCOPE") allowed.push(held);
    }
    expect(allowed).toEqual([scope]);
  });

  it("are judged before the body is read", async () => {
    const client = await world.a.withScopes(["read"]);
    await client.post("/v1/workflows", workflowOf([transformStep("one", 1)])).expect(403);
    const answer = await request(world.app)
      .post("/v1/workflows")
      .set("authorization", `Bearer ${client.key}`)
      .set("content-type", "application/json")
      .send("{ not json");
    expect(answer.status).toBe(403);
  });
});

function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
