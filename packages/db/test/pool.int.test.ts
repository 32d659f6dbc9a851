// A connection keeps nothing of the tenant it last worked for (I7), and PostgreSQL's absence is told apart from its refusal.
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from "vitest";
import { executionNotify, isBadData, isTransient, openDatabase, type Database } from "../src/index.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
let appUrl: string;
let one: Database;
beforeAll(async () => {
  world = await createWorld();
  appUrl = world.app.pool.options.connectionString ?? "";
});
afterAll(() => world.close());
beforeEach(() => {
  one = openDatabase({ url: appUrl, applicationName: "pool-test", maxConnections: 1 });
});
afterEach(() => one.close());

/** What the pool's one connection has set, and which connection it is. */
async function tenantOf(db: Database): Promise<{ tenant: string | null; pid: number }> {
  const { rows } = await db.pool.query<{ tenant: string | null; pid: number }>(
    "select nullif(current_setting('app.tenant_id', true), '') as tenant, pg_backend_pid() as pid",
  );
  return rows[0]!;
}

describe("a connection that is used again", () => {
  it("has no tenant after a transaction, after a failed one, and after a call of the hot path", async () => {
    const tenantId = await world.tenant();
    const { pid } = await tenantOf(one);
    expect(await one.withTenant(tenantId, (tx) => tx.tenant.count())).toBe(1);
    expect(await tenantOf(one)).toEqual({ tenant: null, pid });
    await expect(one.withTenant(tenantId, () => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
    expect(await tenantOf(one)).toEqual({ tenant: null, pid });
    await expect(one.withTenant(tenantId, (tx) => tx.$queryRaw`select 1 / 0`)).rejects.toThrow("division by zero");
    expect(await tenantOf(one)).toEqual({ tenant: null, pid });
    await executionNotify(one, tenantId, tenantId, { kind: "cancel" });
    expect(await tenantOf(one)).toEqual({ tenant: null, pid });
  });

  it("is not the one that came back in an open transaction", async () => {
    const tenantId = await world.tenant();
    for (const broken of ["select 1", "select 1 / 0"]) {
      const client = await one.pool.connect();
      await client.query("begin");
      await client.query("select set_config('app.tenant_id', $1, true)", [tenantId]);
      await client.query(broken).catch(() => undefined);
      const { pid } = { pid: await pidOf(client) };
      client.release();
      const next = await tenantOf(one);
      expect(next.tenant).toBeNull();
      expect(next.pid).not.toBe(pid);
    }
  });

  it("may break between two statements of a transaction: whoever uses it is told, and the process lives", async () => {
    const client = await one.pool.connect();
    const pid = await pidOf(client);
    const broken = new Promise((resolve) => client.once("end", resolve));
    expect(client.listenerCount("error")).toBe(1); // without one, the next line would end this process
    await world.admin.query("select pg_terminate_backend($1)", [pid]);
    await broken;
    await expect(client.query("select 1")).rejects.toThrow(/not queryable|terminat/i);
    client.release(true);
    expect((await tenantOf(one)).pid).not.toBe(pid);
  });

  it("fails rather than work for the tenant that a transaction begun behind the pool's back has left", async () => {
    const client = await one.pool.connect();
    client.release();
    // As a driver may that forgets a connection it has given back.
    await client.query("begin");
    await expect(one.pool.query("select 1")).rejects.toThrow("not queryable");
    expect((await tenantOf(one)).tenant).toBeNull();
  });

  it("shows each of many tenants, taking turns on two connections, its own rows alone", async () => {
    const two = openDatabase({ url: appUrl, applicationName: "pool-test", maxConnections: 2 });
    const tenants = await Promise.all(Array.from({ length: 5 }, () => world.tenant()));
    const seen = await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const tenantId = tenants[n % tenants.length]!;
        const rows = await two.withTenant(tenantId, (tx) => tx.tenant.findMany({ select: { id: true } }));
        return rows.length === 1 && rows[0]?.id === tenantId;
      }),
    );
    expect(seen.every(Boolean)).toBe(true);
    await two.close();
  });
});

describe("a login", () => {
  it("is refused where it can do more than its service needs", async () => {
    await expect(world.app.assertRestricted("keelson_app")).resolves.toBeUndefined();
    await expect(world.app.assertRestricted("keelson_worker")).rejects.toThrow("no member of keelson_worker");
    const admin = openDatabase({ url: world.database.adminUrl, applicationName: "pool-test" });
    await expect(admin.assertRestricted("keelson_app")).rejects.toThrow("is a superuser");
    await admin.close();
  });

  it("is told when the schema is not the one of this release", async () => {
    await expect(world.app.assertMigrated()).resolves.toBeUndefined();
    const client = new Client({ connectionString: world.database.adminUrl });
    await client.connect();
    await client.query("update keelson._prisma_migrations set finished_at = null where migration_name like '%commit'");
    await expect(one.assertMigrated()).rejects.toThrow(/The schema lacks \d+_commit/);
    await client.query("update keelson._prisma_migrations set finished_at = now()");
    await client.end();
  });
});

describe("a failure", () => {
  it("is transient where the connection broke under the statement, and bad data where PostgreSQL refuses the values", async () => {
    const { pid } = await tenantOf(one);
    const sleeping = one.pool.query("select pg_sleep(60)").catch((error: unknown) => error);
    const killer = new Client({ connectionString: world.database.adminUrl });
    await killer.connect();
    await killer.query("select pg_terminate_backend($1)", [pid]);
    await killer.end();
    const lost = await sleeping;
    expect([isTransient(lost), isBadData(lost)]).toEqual([true, false]);
    for (const statement of [
      `select '"\\u0000"'::jsonb ->> 0`,
      "select repeat('[', 20000)::json",
      "select 'x'::uuid",
    ]) {
      const refused = await one.pool.query(statement).catch((error: unknown) => error);
      expect([statement, isTransient(refused), isBadData(refused)]).toEqual([statement, false, true]);
    }
    const away = openDatabase({ url: "postgres://u:p@127.0.0.1:1/x", applicationName: "pool-test" });
    expect(isTransient(await away.pool.query("select 1").catch((error: unknown) => error))).toBe(true);
    await away.close();
  });
});

async function pidOf(client: { processID?: number } | object): Promise<number> {
  return "processID" in client && typeof client.processID === "number" ? client.processID : 0;
}
