import { apiKeyTouch, type Database } from "@keelson/db";
import { eventually } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type World, clientOf, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const KEYS = "/v1/api-keys";

describe("POST /v1/api-keys", () => {
  it("shows the key once, and stores no more of it than its hash and prefix", async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const body = { name: "CI", scopes: ["read", "trigger"], expiresAt };
    const created = (await world.a.post(KEYS, body).expect(201)).body;
    expect(created).toMatchObject({ ...body, lastUsedAt: null, prefix: created.key.slice(0, 10) });
    const { key, ...rest } = created;
    const list = await world.a.get(KEYS).expect(200);
    expect(list.body.items[0]).toEqual(rest);
    expect(list.text).not.toContain(key);
    const { rows } = await world.admin.pool.query("select api_keys::text as row from keelson.api_keys");
    expect(rows.map((row: { row: string }) => row.row).join()).not.toContain(key);
  });

  it("gives all scopes where none are named, and takes times of any offset", async () => {
    const year = new Date().getUTCFullYear() + 1;
    const { body } = await world.a.post(KEYS, { name: "x", expiresAt: `${year}-06-01T12:00:00+02:00` }).expect(201);
    expect(body.scopes).toEqual(["read", "write", "trigger", "admin"]);
    expect(body.expiresAt).toBe(`${year}-06-01T10:00:00.000Z`);
  });

  it.each([
    {},
    { name: "x", scopes: [] },
    { name: "x", scopes: ["read", "read"] },
    { name: "x", scopes: ["root"] },
    { name: "x", expiresAt: "tomorrow" },
    { name: "x", expiresAt: "2020-01-01T00:00:00Z" },
    { name: "x", expiresAt: 1 },
    { name: "x".repeat(201) },
    { name: "x", key: "kee_mine" },
  ])("refuses %j with 400", async (body) => {
    const answer = await world.a.post(KEYS, body).expect(400);
    expect(answer.body.errors).toHaveLength(1);
  });
});

describe("GET and DELETE /v1/api-keys", () => {
  it("says when a key was used last", async () => {
    const { body } = await world.a.post(KEYS, { name: "used" }).expect(201);
    await clientOf(world.app, world.a.tenantId, body.key).get("/v1/workflows").expect(200);
    await eventually(async () => {
      const { items } = (await world.a.get(KEYS).expect(200)).body;
      expect(items[0]).toMatchObject({ id: body.id, lastUsedAt: expect.any(String) });
    });
  });

  it("writes that down once a minute at most, however often it is used", async () => {
    const { body } = await world.a.post(KEYS, { name: "busy" }).expect(201);
    const used = async (ago = "0 s") => {
      await world.admin.pool.query(
        "update keelson.api_keys set last_used_at = last_used_at - $2::interval where id = $1",
        [body.id, ago],
      );
      const before = await lastUsed();
      await apiKeyTouch(world.admin, world.a.tenantId, body.id);
      return (await lastUsed()) !== before;
    };
    const lastUsed = async () => {
      const sql = "select last_used_at::text as at, xmin::text from keelson.api_keys where id = $1";
      return JSON.stringify((await world.admin.pool.query(sql, [body.id])).rows);
    };
    expect([await used(), await used(), await used("50 s"), await used("20 s")]).toEqual([true, false, false, true]);
  });

  it("lets an old and a new key work side by side, so that one is replaced without a gap", async () => {
    const [old, next] = [await world.a.post(KEYS, { name: "old" }), await world.a.post(KEYS, { name: "new" })];
    const status = async (key: string) => (await clientOf(world.app, world.a.tenantId, key).get("/v1/me")).status;
    expect([await status(old.body.key), await status(next.body.key)]).toEqual([200, 200]);
    await clientOf(world.app, world.a.tenantId, next.body.key).delete(`${KEYS}/${old.body.id}`).expect(204);
    expect([await status(old.body.key), await status(next.body.key)]).toEqual([401, 200]);
  });

  it("asks PostgreSQL for no key that its checksum refuses", async () => {
    const asked: string[] = [];
    const db: Database = {
      ...world.admin,
      call: (query, values) => {
        asked.push(query.name);
        return world.admin.call(query, values);
      },
    };
    const app = world.anotherInstance({ db });
    const { key } = world.a;
    for (const wrong of [`${key.slice(0, -1)}${key.endsWith("x") ? "y" : "x"}`, `kee_${"0".repeat(36)}`, "kee_", "x"])
      await clientOf(app, "", wrong).get("/v1/me").expect(401);
    expect(asked).toEqual([]);
    await clientOf(app, world.a.tenantId, key).get("/v1/me").expect(200);
    expect(asked).toContain("api_key_find");
  });

  it("revokes one, which is then gone from the list; a key may revoke itself", async () => {
    const { body } = await world.a.post(KEYS, { name: "doomed" }).expect(201);
    const own = clientOf(world.app, world.a.tenantId, body.key);
    await own.delete(`${KEYS}/${body.id}`).expect(204);
    await own.get(KEYS).expect(401);
    const { items } = (await world.a.get(`${KEYS}?limit=100`).expect(200)).body;
    expect(items.map((item: { id: string }) => item.id)).not.toContain(body.id);
    await world.a.delete(`${KEYS}/${body.id}`).expect(404);
  });

  it("neither shows nor revokes keys of another tenant", async () => {
    const { body } = await world.a.post(KEYS, { name: "mine" }).expect(201);
    expect((await world.b.delete(`${KEYS}/${body.id}`).expect(404)).body.code).toBe("NOT_FOUND");
    const { items } = (await world.b.get(KEYS).expect(200)).body;
    expect(items).toHaveLength(1);
    await clientOf(world.app, world.a.tenantId, body.key).get("/v1/workflows").expect(200);
  });
});
