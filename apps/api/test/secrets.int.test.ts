import { SECRET_MARK, secretValue } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type World, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("secrets", () => {
  it("are put, replaced, listed without their values, and deleted", async () => {
    const tenant = await world.tenant();
    await tenant.put("/v1/secrets/FIRST", { value: secretValue() }).expect(204);
    await tenant.put("/v1/secrets/second_2", { value: secretValue() }).expect(204);
    await tenant.put("/v1/secrets/FIRST", { value: secretValue() }).expect(204);
    const list = await tenant.get("/v1/secrets").expect(200);
    const times = { createdAt: expect.any(String), updatedAt: expect.any(String) };
    expect(list.body).toEqual({
      items: [
        { name: "second_2", ...times },
        { name: "FIRST", ...times },
      ],
      nextCursor: null,
    });
    const [second, first] = list.body.items;
    expect(second.updatedAt).toBe(second.createdAt);
    expect(first.updatedAt > first.createdAt).toBe(true);
    await tenant.delete("/v1/secrets/FIRST").expect(204);
    await tenant.delete("/v1/secrets/FIRST").expect(404);
    expect((await tenant.get("/v1/secrets").expect(200)).body.items).toHaveLength(1);
  });

  it("are walked by pages, also while they are deleted", async () => {
    const tenant = await world.tenant();
    for (const name of ["A", "B", "C", "D"]) await tenant.put(`/v1/secrets/${name}`, { value: "x" }).expect(204);
    const one = (await tenant.get("/v1/secrets?limit=2").expect(200)).body;
    await tenant.delete("/v1/secrets/C").expect(204);
    const two = (await tenant.get(`/v1/secrets?limit=2&cursor=${one.nextCursor}`).expect(200)).body;
    const names = [...one.items, ...two.items].map((item: { name: string }) => item.name);
    expect(names).toEqual(["D", "C", "B", "A"]);
    expect(two.nextCursor).toBeNull();
  });

  it("are nowhere in PostgreSQL as they were sent, nor in the audit log (I8)", async () => {
    await world.a.put("/v1/secrets/PLAIN", { value: secretValue() }).expect(204);
    const { rows } = await world.admin.pool.query(
      "select (select string_agg(secrets::text, '') from keelson.secrets) || (select string_agg(audit_log::text, '') from keelson.audit_log) as all, (select encode(string_agg(ciphertext, ''), 'escape') from keelson.secrets) as bytes",
    );
    expect(JSON.stringify(rows)).not.toContain(SECRET_MARK);
    expect(rows[0].all).toContain("secret.created");
  });

  it("belong to one tenant", async () => {
    await world.a.put("/v1/secrets/SHARED_NAME", { value: "a" }).expect(204);
    await world.b.delete("/v1/secrets/SHARED_NAME").expect(404);
    expect((await world.b.get("/v1/secrets").expect(200)).body.items).toEqual([]);
  });

  it.each(["1A", "a-b", "a.b", "a%20b", "x".repeat(64)])("%s is no name: 400 to set, 404 to delete", async (name) => {
    const { body } = await world.a.put(`/v1/secrets/${name}`, { value: "x" }).expect(400);
    expect(body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ path: "path:name" }] });
    await world.a.delete(`/v1/secrets/${name}`).expect(404);
  });

  it.each([{}, { value: "" }, { value: 1 }, { value: "x", name: "y" }, { value: "x".repeat(65_537) }])(
    "refuses a wrong body with 400 and without repeating it",
    async (body) => {
      const answer = await world.a.put("/v1/secrets/NAME", body).expect(400);
      expect(answer.body.code).toBe("INVALID_REQUEST");
      expect(answer.text).not.toContain("xxx");
    },
  );

  it("take 65,536 characters of any kind", async () => {
    await world.a.put("/v1/secrets/LARGE", { value: "ä".repeat(65_536) }).expect(204);
    const { rows } = await world.admin.pool.query(
      "select octet_length(ciphertext) as bytes from keelson.secrets where name = 'LARGE'",
    );
    expect(rows).toEqual([{ bytes: 2 * 65_536 + 16 }]);
  });
});
