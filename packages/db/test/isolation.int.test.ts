// I7: no statement returns or changes a row of another tenant, whatever its WHERE says. For each table that the catalogue
// has, each verb and each role; and the checks themselves are checked, by taking each wall away.
import { Client } from "pg";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createExecutionStore,
  deliveryAccept,
  executionNotify,
  executionRead,
  executionStart,
  workflowPause,
  workflowResume,
} from "../src/index.ts";
import { catalogueProblems } from "./catalogue.ts";
import { furnishTenant, tenantTables, type Furnished, type TenantTable } from "./every-table.ts";
import { itemOf, openSession, registerWorker } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

const RLS_REFUSES = "42501";

let world: World;
/** A superuser's own connection, for transactions. */
let admin: Client;
let tables: TenantTable[];
let mine: Furnished;
let theirs: Furnished;
beforeAll(async () => {
  world = await createWorld();
  admin = (await openSession(world, "admin")).client;
  tables = await tenantTables(world);
  mine = await furnishTenant(world);
  theirs = await furnishTenant(world);
});
afterAll(() => world.close());

describe("every table", () => {
  it("is furnished here, a new one too", async () => {
    for (const { name, tenantColumn } of tables) {
      const { rows } = await world.admin.query(
        `select distinct ${tenantColumn} as id from keelson.${name} where ${tenantColumn} in ($1, $2)`,
        [mine.tenantId, theirs.tenantId],
      );
      expect(rows, `${name} has no rows to try with`).toHaveLength(2);
    }
  });

  it("keeps its tenants apart, says the catalogue", async () => {
    expect(await catalogueProblems(admin)).toEqual([]);
  });

  for (const role of ["app", "worker"] as const) {
    for (const setting of ["unset", "empty", "another's"] as const) {
      it(`neither shows nor takes a tenant's rows, as ${role} with the tenant ${setting}`, async () => {
        expect(await leaks(role, setting)).toEqual([]);
      });
    }

    it(`shows the tenant's own rows where ${role} may read the table at all`, async () => {
      const shown = await withSession(role, mine.tenantId, async (client) => {
        const counts: [string, number][] = [];
        for (const { name, tenantColumn } of tables) {
          if (!(await mayRead(role, name))) continue;
          const { rowCount } = await client.query(`select from keelson.${name} where ${tenantColumn} is not null`);
          counts.push([name, rowCount ?? 0]);
        }
        return counts;
      });
      expect(shown.length).toBeGreaterThan(10);
      expect(shown.filter(([, count]) => count !== 1)).toEqual([]);
    });
  }

  it("lets no row move to another tenant", async () => {
    const moved: string[] = [];
    for (const role of ["app", "worker"] as const) {
      await withSession(role, mine.tenantId, async (client) => {
        for (const { name, tenantColumn } of tables) {
          const { rowCount } = await tried(client, `update keelson.${name} set ${tenantColumn} = '${theirs.tenantId}'`);
          if (rowCount !== 0) moved.push(`${role} ${name}`);
        }
      });
    }
    expect(moved).toEqual([]);
  });
});

describe("the checks", () => {
  it("report each table that loses its policy, its FORCE or its row level security", async () => {
    const silent: string[] = [];
    for (const { name } of tables) {
      for (const removal of [
        `drop policy tenant on keelson.${name}`,
        `alter table keelson.${name} no force row level security`,
        `alter table keelson.${name} disable row level security`,
        `alter policy tenant on keelson.${name} using (true)`,
        `create policy more on keelson.${name} to keelson_app using (true)`,
      ]) {
        await admin.query("begin");
        await admin.query(removal);
        if (!(await catalogueProblems(admin)).some((problem) => problem.startsWith(name))) silent.push(removal);
        await admin.query("rollback");
      }
    }
    expect(silent).toEqual([]);
  });

  it("see each table leak once its wall is down", async () => {
    const silent: string[] = [];
    for (const table of tables) {
      if (!(await mayRead("app", table.name))) continue;
      await world.admin.query(`alter table keelson.${table.name} disable row level security`);
      try {
        const found = await leaks("app", "another's", [table]);
        if (!found.some((leak) => leak.startsWith(`select ${table.name}`))) silent.push(table.name);
      } finally {
        await world.admin.query(`alter table keelson.${table.name} enable row level security`);
      }
    }
    expect(silent).toEqual([]);
  });

  it("report what a migration brings without its wall: a table, a foreign key, a unique key, a function, a grant", async () => {
    for (const [change, problem] of [
      ["create table keelson.bare (tenant_id uuid not null)", "bare lets its owner pass by row level security"],
      [
        "create table keelson.half (tenant_id uuid not null); alter table keelson.half enable row level security",
        "half lets its owner pass by row level security",
      ],
      [
        `create table keelson.open (tenant_id uuid not null); alter table keelson.open enable row level security;
         alter table keelson.open force row level security`,
        "open has no policy that compares the tenant",
      ],
      ["alter table keelson.inbox add foreign key (source_id) references keelson.hooks (id)", "may point at another"],
      ["create unique index on keelson.workflows (id)", "is unique across tenants"],
      ["create function keelson.f() returns int security definer language sql return 1", "search_path"],
      ["create table keelson.loose (id int)", "is on no list"],
      ["grant select (input) on keelson.executions to keelson_dispatcher", "may read executions.input"],
    ] as const) {
      await admin.query("begin");
      await admin.query(change);
      expect((await catalogueProblems(admin)).join("\n")).toContain(problem);
      await admin.query("rollback");
    }
  });
});

describe("foreign keys", () => {
  it("refuse a row that points at another tenant's, for every relation", async () => {
    const { rows } = await world.admin.query<{ name: string; table: string; column: string }>(
      `select f.conname as name, c.relname as "table", a.attname as "column"
       from pg_constraint f join pg_class c on c.oid = f.conrelid
       join pg_attribute a on a.attrelid = c.oid and a.attnum = f.conkey[2]
       where f.connamespace = 'keelson'::regnamespace and f.contype = 'f' and cardinality(f.conkey) > 1`,
    );
    expect(rows.length).toBeGreaterThan(10);
    const accepted: string[] = [];
    for (const { name, table, column } of rows) {
      // As the superuser: no policy helps here, the key alone does.
      const result = await tried(
        admin,
        `update keelson.${table} set ${column} = '${theirs.id}' where tenant_id = '${mine.tenantId}'; set constraints all immediate`,
      );
      if (result.code !== "23503") accepted.push(`${name}: ${result.code ?? "done"}`);
    }
    expect(accepted).toEqual([]);
  });
});

describe("the hot path's functions", () => {
  it("know no execution, workflow or hook under another tenant's id", async () => {
    const { id, tenantId } = theirs;
    const other = mine.tenantId;
    const worker = await registerWorker(world);
    const store = createExecutionStore(world.worker);
    const foreign = { tenantId: other, executionId: id };
    expect(await executionRead(world.app, other, id)).toBeNull();
    expect(await store.claim(worker, [foreign])).toEqual([{ kind: "none", ref: foreign }]);
    expect(await executionNotify(world.app, other, id, { kind: "cancel" })).toBe("unknown");
    expect(await store.readInbox(foreign)).toEqual([]);
    expect((await store.loadOutputs(foreign, ["step"])).size).toBe(0);
    expect(await workflowPause(world.app, other, id)).toBe(false);
    expect(await workflowResume(world.app, other, id)).toBeNull();
    const [claimed] = await store.claim(worker, [{ tenantId, executionId: id }]);
    if (claimed?.kind !== "claimed") throw new Error("Not claimed by its own tenant");
    expect(await store.commit(worker, itemOf({ ...claimed.execution, tenantId: other }))).toEqual({ kind: "fenced" });
    await store.letGo(worker, [foreign], 0);
    const { rows } = await world.admin.query("select owner from keelson.executions where id = $1", [id]);
    expect(rows).toEqual([{ owner: worker }]);
    await store.letGo(worker, [{ tenantId, executionId: id }], 0);
  });

  it("start nothing from another tenant's workflow or version", async () => {
    const start = {
      executionId: newId(),
      versionId: theirs.id,
      triggerType: "api" as const,
      trigger: {},
      input: null,
    };
    const request = { tenantId: mine.tenantId, start, idempotency: null, maxUnfinished: null };
    expect(await executionStart(world.app, { ...request, workflowId: theirs.id })).toEqual({ kind: "unknown" });
    await expect(executionStart(world.app, { ...request, workflowId: mine.id })).rejects.toThrow("no version");
    const delivery = {
      id: newId(),
      hookId: theirs.id,
      workflowId: mine.id,
      repeatKey: null,
      headers: {},
      query: {},
      contentType: null,
    };
    await expect(
      deliveryAccept(world.app, {
        tenantId: mine.tenantId,
        delivery,
        body: new Uint8Array(),
        start: { ...start, versionId: mine.id },
        maxUnfinished: null,
      }),
    ).rejects.toThrow("foreign key");
  });
});

/** What this role can see or do of `mine`, table by table and verb by verb; empty if nothing. */
async function leaks(
  role: "app" | "worker",
  setting: "unset" | "empty" | "another's",
  among: readonly TenantTable[] = tables,
): Promise<string[]> {
  const found: string[] = [];
  const tenant = { unset: null, empty: "", "another's": theirs.tenantId }[setting];
  await withSession(role, tenant, async (client) => {
    for (const { name, tenantColumn } of among) {
      const { rows } = await world.admin.query<{ row: object }>(
        `select to_jsonb(t) as row from keelson.${name} t where ${tenantColumn} = $1`,
        [mine.tenantId],
      );
      const where = `where ${tenantColumn} = '${mine.tenantId}'`;
      const insert = `insert into keelson.${name} overriding system value
        select (jsonb_populate_record(null::keelson.${name}, $1)).*`;
      for (const [verb, statement, values] of [
        ["select", `select ${tenantColumn} from keelson.${name} ${where}`],
        [
          "select all",
          `select ${tenantColumn} from keelson.${name} where ${tenantColumn} is distinct from '${tenant || newId()}'`,
        ],
        ["count", `select 1 from keelson.${name} having count(*) filter (${where}) > 0`],
        ["lock", `select ${tenantColumn} from keelson.${name} ${where} for update`],
        ["update", `update keelson.${name} set ${tenantColumn} = ${tenantColumn} ${where}`],
        ["delete", `delete from keelson.${name} ${where}`],
        ["insert", insert, [JSON.stringify(rows[0]?.row)]],
        ["upsert", `${insert} on conflict do nothing`, [JSON.stringify(rows[0]?.row)]],
      ] as const) {
        const { rowCount, code } = await tried(client, statement, values);
        const closed = rowCount === 0 && (code === null ? !verb.endsWith("sert") : code === RLS_REFUSES);
        if (!closed) found.push(`${verb} ${name}: ${code ?? rowCount}`);
      }
    }
  });
  return found;
}

/** A statement that leaves nothing behind: how many rows, or the refusal's SQL state. */
async function tried(
  client: Client,
  statement: string,
  values?: readonly unknown[],
): Promise<{ rowCount: number; code: string | null }> {
  await client.query("begin");
  try {
    const results = [await client.query(statement, values === undefined ? undefined : [...values])].flat();
    return { rowCount: results[0]?.rowCount ?? 0, code: null };
  } catch (error) {
    return { rowCount: 0, code: (error as { code: string }).code };
  } finally {
    await client.query("rollback");
  }
}

/** A fresh connection of a role's login, its tenant set for the session: `null` leaves it as a new session has it. */
async function withSession<T>(
  role: "app" | "worker",
  tenant: string | null,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({ connectionString: world.urls[role] });
  await client.connect();
  try {
    if (tenant !== null) await client.query("select set_config('app.tenant_id', $1, false)", [tenant]);
    return await work(client);
  } finally {
    await client.end();
  }
}

async function mayRead(role: string, table: string): Promise<boolean> {
  const { rows } = await world.admin.query<{ may: boolean }>(
    `select has_any_column_privilege('keelson_${role}', 'keelson.${table}', 'select') as may`,
  );
  return rows[0]?.may ?? false;
}
