// A thousand tenants take turns on two connections, while everything goes wrong that can: each is shown its own row and no
// other, and whatever a connection was left with is not the next one's (I7).
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import { executionNotify, openDatabase, type Database } from "../src/index.ts";
import { createWorld, type World } from "./world.ts";

const TENANTS = 1_000;
const CONNECTIONS = 2;

let world: World;
let two: Database;
let tenants: string[];
beforeAll(async () => {
  world = await createWorld();
  two = openDatabase({ url: world.urls.app, applicationName: "hygiene-test", maxConnections: CONNECTIONS });
  tenants = Array.from({ length: TENANTS }, () => newId());
  await world.admin.query(
    "insert into keelson.tenants (id, slug, name) select id, 't-' || id, 'Test' from unnest($1::uuid[]) id",
    [tenants],
  );
});
afterAll(async () => {
  await two.close();
  await world.close();
});

const ways: readonly ((tenantId: string) => Promise<readonly string[]>)[] = [
  seen,
  seen,
  failed,
  timedOut,
  left,
  hot,
  cutOff,
];

/** All tenants that a transaction of this one shows. */
async function seen(tenantId: string): Promise<readonly string[]> {
  return two.withTenant(tenantId, async (tx) => {
    const rows = await tx.tenant.findMany({ select: { id: true } });
    return rows.map(({ id }) => id);
  });
}

/** The statement fails, and with it the transaction. */
async function failed(tenantId: string): Promise<readonly string[]> {
  const failure = two.withTenant(tenantId, (tx) => tx.$queryRaw`select 1 / (select 0 from keelson.tenants)`);
  await expect(failure).rejects.toThrow("division by zero");
  return seen(tenantId);
}

/** PostgreSQL breaks the statement off. */
async function timedOut(tenantId: string): Promise<readonly string[]> {
  const failure = two.withTenant(tenantId, async (tx) => {
    await tx.$queryRaw`select set_config('statement_timeout', '1', true)`;
    await tx.$queryRaw`select 1 from pg_sleep(1)`;
  });
  // "… due to user request" where the millisecond ends between the statement's messages: PostgreSQL forgets which clock it was.
  await expect(failure).rejects.toThrow(/canceling statement due to (statement timeout|user request)/);
  return seen(tenantId);
}

/** The caller changes its mind: what was read is thrown away with the transaction. */
async function left(tenantId: string): Promise<readonly string[]> {
  let read: readonly string[] = [];
  const rolledBack = two.withTenant(tenantId, async (tx) => {
    await tx.tenant.update({ where: { id: tenantId }, data: { name: "never" } });
    read = (await tx.tenant.findMany({ select: { id: true } })).map(({ id }) => id);
    throw new Error("changed its mind");
  });
  await expect(rolledBack).rejects.toThrow("changed its mind");
  return read;
}

/** A function of the hot path sets the tenant for itself. */
async function hot(tenantId: string): Promise<readonly string[]> {
  expect(await executionNotify(two, tenantId, tenantId, { kind: "cancel" })).toBe("unknown");
  return seen(tenantId);
}

/** The connection dies under the transaction, now and then. */
let cuts = 0;
async function cutOff(tenantId: string): Promise<readonly string[]> {
  cuts += 1;
  if (cuts % 20 !== 0) return seen(tenantId);
  const failure = two.withTenant(tenantId, async (tx) => {
    await tx.$queryRaw`select pg_terminate_backend(pg_backend_pid())`;
    await tx.tenant.count();
  });
  await expect(failure).rejects.toThrow();
  return seen(tenantId);
}

it("shows each of a thousand tenants on two connections its own row, through errors, time-outs, rollbacks and cuts", async () => {
  const wrong: string[] = [];
  let next = 0;
  // More at once than there are connections, fewer than wait too long for one.
  async function client(): Promise<void> {
    while (next < TENANTS) {
      const n = next;
      next += 1;
      const tenantId = tenants[n]!;
      const shown = await ways[n % ways.length]!(tenantId);
      if (shown.length !== 1 || shown[0] !== tenantId)
        wrong.push(`${tenantId} was shown ${shown.join(", ") || "nothing"}`);
    }
  }
  await Promise.all(Array.from({ length: 16 }, client));
  expect(wrong).toEqual([]);
  expect(cuts).toBeGreaterThan(100);
  for (let n = 0; n < 2 * CONNECTIONS; n += 1) {
    const { rows } = await two.pool.query("select nullif(current_setting('app.tenant_id', true), '') as tenant");
    expect(rows).toEqual([{ tenant: null }]);
  }
  expect((await two.pool.query("select from keelson.tenants")).rowCount).toBe(0);
  expect(two.pool.totalCount).toBeLessThanOrEqual(CONNECTIONS);
  const { rows } = await world.admin.query("select count(*)::int as n from keelson.tenants where name <> 'Test'");
  expect(rows).toEqual([{ n: 0 }]);
}, 120_000);

it("leaves no tenant behind where a client goes away in mid-transaction, and no connection either", async () => {
  const [tenantId] = tenants;
  const client = new Client({ connectionString: world.urls.app, application_name: "hygiene-gone" });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("begin");
  await client.query("select set_config('app.tenant_id', $1, true)", [tenantId]);
  await client.query("update keelson.tenants set name = 'never'");
  // As a killed process does: without a word.
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  await eventually(async () => {
    const { rows } = await world.admin.query("select from pg_stat_activity where application_name = 'hygiene-gone'");
    expect(rows).toEqual([]);
  });
  const { rows } = await world.admin.query("select name from keelson.tenants where id = $1", [tenantId]);
  expect(rows).toEqual([{ name: "Test" }]);
});
