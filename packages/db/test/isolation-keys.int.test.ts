// What could tell a tenant of another although row level security stands: keys that two tenants would share, functions that
// act as their owner, and views (I7). Each is generated from the catalogue.
import { Client } from "pg";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { furnishTenant, tenantTables, type Furnished } from "./every-table.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
let mine: Furnished;
let theirs: Furnished;
beforeAll(async () => {
  world = await createWorld();
  mine = await furnishTenant(world);
  theirs = await furnishTenant(world);
});
afterAll(() => world.close());

/** Those that rows of two tenants share for a reason, and what a tenant could learn by them. */
const SHARED_KEYS: Readonly<Record<string, string>> = {
  api_keys_hash_key: "the digest of a key drawn by chance",
  hooks_id_key: "an id drawn by chance, which stands in a URL",
  tenants_pkey: "an id drawn by chance; operators alone make tenants",
  tenants_slug_key: "operators alone name tenants",
};

describe("a unique key", () => {
  it("lets two tenants have the same values, each of them", async () => {
    const { rows: keys } = await world.admin.query<{ key: string; table: string; columns: string[] }>(
      `select x.relname as key, c.relname as "table",
         (select array_agg(a.attname::text order by k.n) from unnest(i.indkey::int[]) with ordinality k (att, n)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.att) as columns
       from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
       where c.relnamespace = 'keelson'::regnamespace and i.indisunique and c.relname not in ('_prisma_migrations', 'workers')`,
    );
    expect(keys.length).toBeGreaterThan(20);
    const told: string[] = [];
    for (const { key, table, columns } of keys) {
      if (key in SHARED_KEYS) continue;
      if (columns?.[0] !== "tenant_id") told.push(`${key}: begins with ${columns?.[0]}`);
      else if (await collides(table, columns)) told.push(key);
    }
    expect(told).toEqual([]);
  });

  it("across tenants is one of those on the list, and none of them has gone", async () => {
    const { rows } = await world.admin.query<{ key: string }>(
      "select relname as key from pg_class where relnamespace = 'keelson'::regnamespace and relname = any($1) order by 1",
      [Object.keys(SHARED_KEYS)],
    );
    expect(rows.map(({ key }) => key)).toEqual(Object.keys(SHARED_KEYS).sort());
  });
});

/** Whether a row of mine with all values of theirs but the tenant is refused for a key; no other wall helps or hinders here. */
async function collides(table: string, columns: readonly string[]): Promise<boolean> {
  const seen = await world.admin.query(`select from keelson.${table} where tenant_id = $1`, [theirs.tenantId]);
  expect(seen.rowCount, `${table} is furnished for ${columns.join(", ")}`).toBe(1);
  await world.admin.query("begin");
  try {
    // Neither foreign keys nor triggers: the key alone.
    await world.admin.query("set local session_replication_role = replica");
    await world.admin.query(`delete from keelson.${table} where tenant_id = $1`, [mine.tenantId]);
    await world.admin.query(
      `insert into keelson.${table} overriding system value
       select (jsonb_populate_record(t, $1)).* from keelson.${table} t where tenant_id = $2`,
      [JSON.stringify({ tenant_id: mine.tenantId, ...otherGlobals(table) }), theirs.tenantId],
    );
    return false;
  } catch (error) {
    if ((error as { code?: string }).code !== "23505") throw error;
    return true;
  } finally {
    await world.admin.query("rollback");
  }
}

/** What the keys across tenants hold differs anyway. */
function otherGlobals(table: string): Record<string, unknown> {
  if (table === "api_keys") return { hash: `\\x${"0".repeat(64)}` };
  return table === "hooks" ? { id: newId() } : {};
}

describe("what runs as its owner", () => {
  it("is this list of functions, each called by those alone who need it", async () => {
    const { rows } = await world.admin.query<{ name: string; owner: string; callers: string[] }>(
      `select p.proname as name, r.rolname as owner,
         (select array_agg(g.rolname::text order by 1) from aclexplode(p.proacl) a join pg_roles g on g.oid = a.grantee
          where g.oid <> p.proowner) as callers
       from pg_proc p join pg_roles r on r.oid = p.proowner
       where p.pronamespace = 'keelson'::regnamespace and p.prosecdef order by 1`,
    );
    expect(rows.map(({ name, owner, callers }) => `${name} (${owner}) ← ${(callers ?? []).join(", ")}`))
      .toMatchInlineSnapshot(`
      [
        "api_key_find (keelson_owner) ← keelson_app",
        "audit_deliveries_page (keelson_dispatcher) ← keelson_app",
        "audit_deliveries_sample (keelson_dispatcher) ← keelson_app",
        "audit_executions_page (keelson_dispatcher) ← keelson_app",
        "audit_executions_sample (keelson_dispatcher) ← keelson_app",
        "bulk_actions_open (keelson_owner) ← keelson_app",
        "bulk_actions_retire (keelson_dispatcher) ← ",
        "deliveries_retire (keelson_dispatcher) ← ",
        "delivery_keys_retire (keelson_dispatcher) ← ",
        "execution_counts_fold (keelson_dispatcher) ← ",
        "executions_of_others (keelson_dispatcher) ← keelson_app",
        "executions_retire (keelson_dispatcher) ← ",
        "gc_inbox (keelson_dispatcher) ← keelson_worker",
        "hook_find (keelson_owner) ← keelson_app",
        "losses_take_back (keelson_dispatcher) ← keelson_worker",
        "ops_backlog (keelson_dispatcher) ← keelson_app",
        "ops_fullest (keelson_dispatcher) ← keelson_app",
        "ops_minutes (keelson_dispatcher) ← keelson_app",
        "ops_usage (keelson_dispatcher) ← keelson_app",
        "ops_workers (keelson_dispatcher) ← keelson_app",
        "reap (keelson_dispatcher) ← keelson_worker",
        "replaced_secrets_retire (keelson_dispatcher) ← ",
        "schedule_fire (keelson_app) ← keelson_dispatcher",
        "schedule_fires_retire (keelson_dispatcher) ← ",
        "schedules_due (keelson_dispatcher) ← ",
        "secrets_by_key (keelson_dispatcher) ← keelson_app, keelson_worker",
        "secrets_under_key (keelson_dispatcher) ← keelson_app",
        "stats_hours_retire (keelson_dispatcher) ← ",
        "stats_minutes_retire (keelson_dispatcher) ← ",
        "sweep_due (keelson_dispatcher) ← keelson_worker",
        "sweep_inbox (keelson_dispatcher) ← keelson_worker",
        "tenants_limits (keelson_owner) ← keelson_app",
        "tenants_list (keelson_owner) ← keelson_app",
        "violations_list (keelson_dispatcher) ← keelson_app",
        "violations_retire (keelson_dispatcher) ← keelson_app",
        "worker_leases (keelson_dispatcher) ← keelson_worker",
        "workers_bury (keelson_dispatcher) ← keelson_worker",
        "workers_retire (keelson_dispatcher) ← ",
        "workers_silent (keelson_dispatcher) ← keelson_worker",
      ]
    `);
  });

  it("includes no view, and none that shows another tenant's rows", async () => {
    const { rows } = await world.admin.query(
      "select relname from pg_class where relnamespace = 'keelson'::regnamespace and relkind in ('v', 'm')",
    );
    expect(rows).toEqual([]);
  });
});

describe("the setting that names the tenant", () => {
  it.each(["x", "null", "00000000", "' or true --"])("shows no row where it is %j, which is no id", async (value) => {
    const client = new Client({ connectionString: world.urls.app });
    await client.connect();
    await client.query("select set_config('app.tenant_id', $1, false)", [value]);
    const shown: string[] = [];
    for (const { name } of await tenantTables(world)) {
      const { rowCount } = await client.query(`select from keelson.${name}`).catch(() => ({ rowCount: 0 }));
      if (rowCount !== 0) shown.push(name);
    }
    await client.end();
    expect(shown).toEqual([]);
  });
});
