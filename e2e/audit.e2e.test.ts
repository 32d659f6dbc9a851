// `npm run audit` as an operator runs it, with the login of the api, on databases that are well, spoilt on purpose for each of
// I2 to I7, or not there.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogins, openDatabase, violationsList, type WholeAudit } from "@keelson/db";
import { freePort } from "@keelson/local-stack";
import { createTestDatabase, type TestDatabase } from "@keelson/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { COMPILE_CACHE } from "./support/compile-cache.ts";

const ROOT = join(import.meta.dirname, "..");
const TENANT = "00000000-0000-7000-8000-00000000000a";
const OTHER = "00000000-0000-7000-8000-00000000000b";
/** What is spoilt, one execution for each invariant; $1 is the execution, and its tenant has no other of that id. */
const SPOILT = {
  I2: "update keelson.executions set seq = 9 where id = $1",
  I3: `insert into keelson.step_runs (tenant_id, execution_id, step_id, status) select tenant_id, id, 's', 'running'
       from keelson.executions where id = $1;
       update keelson.executions set status = 'succeeded', wake_at = null, sweep_at = null, finished_at = now() where id = $1`,
  I4: `insert into keelson.step_runs (tenant_id, execution_id, step_id, status) select tenant_id, id, 'two', 'running'
       from keelson.executions where id = $1`,
  I5: "update keelson.executions set status = 'waiting', wake_at = null, sweep_at = null where id = $1",
  I6: `insert into keelson.schedule_fires (tenant_id, schedule_id, due_at, status, execution_id)
       select tenant_id, version_id, '2026-01-01', 'fired', version_id from keelson.executions where id = $1;
       update keelson.executions set schedule_id = version_id, scheduled_at = '2026-01-01' where id = $1`,
  I7: `update keelson.executions set replay_of = (select id from keelson.executions where tenant_id = '${OTHER}' limit 1)
       where id = $1`,
} as const;
type Invariant = keyof typeof SPOILT;

let database: TestDatabase;
let admin: Client;
let url: string;
let executions: Record<Invariant, string>;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new Client({ connectionString: database.adminUrl });
  await admin.connect();
  url = (await createLogins({ adminUrl: database.adminUrl, suffix: database.name.slice(-8) })).app;
  const ids = new Map<string, string>();
  for (const tenant of [TENANT, OTHER]) {
    const definition = { steps: [{ id: "one" }, { id: "two", dependsOn: ["one:success"] }] };
    await admin.query("insert into keelson.tenants (id, slug, name) values ($1, $2, 'T')", [tenant, `t-${tenant}`]);
    await admin.query("insert into keelson.workflows (tenant_id, id, name) values ($1, $1, 'w')", [tenant]);
    await admin.query(
      `insert into keelson.workflow_versions (tenant_id, id, workflow_id, version, definition, content_hash)
       values ($1, $1, $1, 1, $2, 'hash')`,
      [tenant, JSON.stringify(definition)],
    );
    for (const invariant of Object.keys(SPOILT)) {
      const { rows } = await admin.query<{ id: string }>(
        `insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type,
           trigger, wake_at, sweep_at)
         values ($1, gen_random_uuid(), $1, 'w', $1, 1, 'api', '{}', now(), now()) returning id`,
        [tenant],
      );
      if (tenant === TENANT) ids.set(invariant, rows[0]!.id);
    }
  }
  executions = Object.fromEntries(ids) as Record<Invariant, string>;
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function audit(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, "scripts", "audit.ts"), ...args], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr.on("data", (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

it("ends with 0 where nothing is wrong, and says how much it has looked at", async () => {
  const { code, stdout } = await audit({ DATABASE_URL: url });
  expect(stdout).toBe("no violation of I2 to I7 in 12 executions, 0 deliveries and the walls between tenants\n");
  expect(code).toBe(0);
});

it("ends with 1 where rows are spoilt, and tells each with its invariant, tenant, id and remedy", async () => {
  for (const [invariant, statement] of Object.entries(SPOILT)) {
    const id = executions[invariant as Invariant];
    // Past foreign keys and triggers, as no service can.
    await admin.query(`set session_replication_role = replica; ${statement.replaceAll("$1", `'${id}'`)};
      set session_replication_role = origin`);
  }
  const { code, stdout } = await audit({ DATABASE_URL: url });
  expect(code).toBe(1);
  for (const [invariant, id] of Object.entries(executions)) {
    const block = stdout.split("\n\n").find((text) => text.includes(`execution  ${id}`));
    expect(block, `${invariant} in ${stdout}`).toMatch(
      new RegExp(
        `^${invariant} [A-Z_]+\n  .*${id}.*\n  tenant     ${TENANT}\n  execution  ${id}\n  remedy     \\S.{20,}$`,
        "m",
      ),
    );
  }
  expect(stdout).toMatch(/^6 violations of I2 to I7 in 12 executions/m);
});

it("says the same as JSON, keeps what it found for the operator's calls, and tells of a wall that is down", async () => {
  await admin.query("alter table keelson.step_runs no force row level security");
  const { code, stdout, stderr } = await audit({ DATABASE_URL: url }, "--json");
  await admin.query("alter table keelson.step_runs force row level security");
  const found = JSON.parse(stdout) as WholeAudit;
  expect(code).toBe(1);
  expect(found.checked).toEqual({ executions: 12, deliveries: 0, complete: true });
  expect(new Set(found.violations.map(({ invariant }) => invariant))).toEqual(new Set(Object.keys(SPOILT)));
  expect(found.walls).toMatchObject([{ code: "ROW_SECURITY_OFF", invariant: "I7", place: "step_runs" }]);
  expect(stderr).toContain("7 violations of I2 to I7");
  const db = openDatabase({ url, applicationName: "keelson-test" });
  const kept = await violationsList(db, { before: null, limit: 50 });
  await db.close();
  expect(new Set(kept.items.map(({ subject }) => subject.id))).toEqual(new Set(Object.values(executions)));
});

it("ends with 2 where it cannot look, and says what to set", async () => {
  const gone = new URL(url);
  gone.port = String(await freePort());
  const unreached = await audit({ DATABASE_URL: gone.href });
  expect(unreached).toMatchObject({ code: 2, stdout: "" });
  expect(unreached.stderr).toContain("PostgreSQL could not be reached by DATABASE_URL");
  expect(unreached.stderr).not.toContain(new URL(url).password);

  const folder = await mkdtemp(join(tmpdir(), "keelson-audit-"));
  const nothing = await audit({ KEELSON_DATA_DIR: folder });
  await rm(folder, { recursive: true });
  expect(nothing).toMatchObject({ code: 2, stdout: "" });
  expect(nothing.stderr).toContain("Set DATABASE_URL to what the api has, or KEELSON_DATA_DIR");

  expect(await audit({ DATABASE_URL: "mysql://h" })).toMatchObject({ code: 2, stdout: "" });
  expect(await audit({ DATABASE_URL: url }, "--fast")).toMatchObject({ code: 2, stdout: "" });
});
