import { SECRET_MARK, secretValue } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { INGRESS_URL, type World, createWorld } from "./support/world.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("GET /v1/audit", () => {
  it("tells who changed what, newest first, of one tenant alone", async () => {
    const tenant = await world.tenant();
    const { id } = (await tenant.post("/v1/workflows", documentOf()).expect(201)).body;
    await tenant.put("/v1/secrets/TOKEN", { value: secretValue() }).expect(204);
    await tenant.put("/v1/secrets/TOKEN", { value: secretValue() }).expect(204);
    await tenant.delete("/v1/secrets/TOKEN").expect(204);
    const key = (await tenant.post("/v1/api-keys", { name: "k" }).expect(201)).body;
    await tenant.delete(`/v1/api-keys/${key.id}`).expect(204);
    await tenant.delete(`/v1/workflows/${id}`).expect(204);
    await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { apiPerMinute: 9 } }).expect(200);
    const { body, text } = await tenant.get("/v1/audit").expect(200);
    const actions = body.items.map((entry: { action: string }) => entry.action);
    expect(actions).toEqual([
      "tenant.updated",
      "workflow.archived",
      "apiKey.revoked",
      "apiKey.created",
      "secret.deleted",
      "secret.updated",
      "secret.created",
      "workflow.created",
      "tenant.created",
    ]);
    expect(body.items[1]).toEqual({
      id: expect.any(String),
      at: expect.stringMatching(TIME),
      actor: { type: "apiKey", id: (await tenant.get("/v1/me")).body.apiKey.id },
      action: "workflow.archived",
      target: { type: "workflow", id },
      details: { name: expect.any(String) },
    });
    expect(body.items[0].actor).toEqual({ type: "operator", id: null });
    expect(text).not.toContain(SECRET_MARK);
    expect(text).not.toContain(key.key);
    const other = await world.b.get("/v1/audit").expect(200);
    expect(other.body.items.map((entry: { action: string }) => entry.action)).toEqual(["tenant.created"]);
  });

  it("takes the scope admin, and no other", async () => {
    const reader = await world.a.withScopes(["read", "write", "trigger"]);
    expect((await reader.get("/v1/audit").expect(403)).body.code).toBe("FORBIDDEN_SCOPE");
  });
});

describe("GET /v1/me", () => {
  it("says whose key this is, whatever its scopes", async () => {
    for (const scope of ["read", "write", "trigger", "admin"] as const) {
      const client = await world.a.withScopes([scope]);
      const { body } = await client.get("/v1/me").expect(200);
      expect(body).toEqual({
        kind: "tenant",
        tenant: {
          id: world.a.tenantId,
          slug: expect.any(String),
          name: "Tenant",
          limits: { apiPerMinute: 600, webhookPerMinute: 1200, unfinishedExecutions: 10_000 },
        },
        apiKey: {
          id: expect.any(String),
          name: "scoped",
          prefix: client.key.slice(0, 10),
          scopes: [scope],
          expiresAt: null,
        },
        server: { version: expect.any(String), time: expect.stringMatching(TIME), ingressUrl: INGRESS_URL },
      });
    }
  });

  it("knows the operator, and nobody without a key", async () => {
    const { body } = await world.operator.get("/v1/me").expect(200);
    expect(body).toMatchObject({ kind: "operator", tenant: null, apiKey: null });
  });
});
