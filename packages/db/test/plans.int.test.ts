// The hot path's statements use the indexes that they were written for, in a table with a history behind it.
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession, registerWorker, startOne, type PgSession } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

const ROWS = 20_000;

let world: World;
let tenantId: string;
let ids: string[];
let worker: string;
beforeAll(async () => {
  world = await createWorld();
  worker = await registerWorker(world);
  const one = await startOne(world);
  ({ tenantId } = one);
  // A long history, a hundred due, a hundred leased to a worker that is gone, and some mail.
  await world.admin.query(
    `insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger,
       status, output, finished_at, started_at, sweep_at, wake_at, owner)
     select $1, gen_random_uuid(), $2, 'w', $3, 1, 'api', '{}',
       case when n <= 200 then 'running' else 'succeeded' end, case when n > 200 then '1'::json end,
       case when n > 200 then now() - n * interval '1 s' end, now() - n * interval '1 s',
       case when n <= 100 then now() - interval '1 s' end, case when n <= 100 then now() - interval '1 s' end,
       case when n between 101 and 200 then 999999 end
     from generate_series(1, $4) n`,
    [tenantId, one.workflowId, one.versionId, ROWS],
  );
  await world.admin.query(
    `insert into keelson.inbox (tenant_id, execution_id, gen, kind, at)
     select tenant_id, id, 1, 'cancel', now() - interval '5 s' from keelson.executions where wake_at is not null limit 50`,
  );
  await world.admin.query("analyze keelson.executions, keelson.inbox, keelson.workers");
  const { rows } = await world.admin.query<{ id: string }>(
    "select id from keelson.executions where wake_at <= now() and id <> $1 limit 10",
    [one.executionId],
  );
  ids = rows.map((row) => row.id);
});
afterAll(() => world.close());

/** The plans of every statement within one call, as auto_explain tells them; nothing is kept. */
async function plansOf(session: PgSession, role: string, call: string, values: unknown[]): Promise<string> {
  const told: string[] = [];
  const hear = (notice: { message?: string | undefined }): void => void told.push(notice.message ?? "");
  session.client.on("notice", hear);
  await session.client.query("begin");
  await session.client.query(`load 'auto_explain';
    set local auto_explain.log_min_duration = 0; set local auto_explain.log_nested_statements = on;
    set local auto_explain.log_level = 'notice'; set local client_min_messages = 'notice';
    set local role "keelson_${role}"`);
  await session.client.query(call, values);
  await session.client.query("rollback");
  session.client.off("notice", hear);
  return told.filter((text) => /executions|inbox|bulk_action/.test(text)).join("\n");
}

it.each([
  { name: "sweep_due", role: "dispatcher", call: "select * from keelson.sweep_due(50)", index: "executions_due" },
  { name: "sweep_inbox", role: "dispatcher", call: "select * from keelson.sweep_inbox(50)", index: "inbox_at" },
  { name: "gc_inbox", role: "dispatcher", call: "select keelson.gc_inbox(50)", index: "inbox_at" },
  { name: "reap", role: "dispatcher", call: "select * from keelson.reap(50)", index: "executions_owned" },
  {
    name: "executions_retire",
    role: "dispatcher",
    call: "select keelson.executions_retire(now() - interval '2 hours', 50)",
    index: "executions_retention",
  },
  {
    name: "bulk_actions_open",
    role: "app",
    call: "select * from keelson.bulk_actions_open(20)",
    index: "bulk_actions_open",
  },
  {
    name: "bulk_items_take",
    role: "app",
    call: "select * from keelson.bulk_items_take(gen_random_uuid(), gen_random_uuid(), 10)",
    index: "bulk_action_items_open",
  },
])("finds its rows by $index in $name", async ({ role, call, index }) => {
  const plans = await plansOf(await openSession(world, "admin"), role, call, []);
  expect(plans).toContain(`Index Scan using ${index}`);
  expect(plans).not.toMatch(/Seq Scan on (executions|inbox|bulk_action)/);
});

it("finds what of one tenant is due by its own index", async () => {
  const call = "select * from keelson.tenant_due($1, 20)";
  const plans = await plansOf(await openSession(world, "admin"), "worker", call, [tenantId]);
  expect(plans).toContain("Index Scan using executions_due_of_tenant");
  expect(plans).not.toMatch(/Seq Scan on (executions|inbox)/);
});

it("finds what it claims by its id, and the mail by the execution's", async () => {
  const plans = await plansOf(
    await openSession(world, "admin"),
    "worker",
    "select * from keelson.execution_claim($1, $2, $3)",
    [tenantId, worker, ids],
  );
  expect(plans).toMatch(/Index Scan using executions_(pkey|unfinished) on executions e/);
  expect(plans).toMatch(/using inbox_pkey on inbox i/);
  expect(plans).not.toMatch(/Seq Scan on (executions|inbox|step_runs)/);
});

it("commits by primary keys alone", async () => {
  const session = await openSession(world, "admin");
  await session.client.query("select from keelson.executions limit 0");
  const item = {
    executionId: ids[0],
    epoch: 1,
    seq: 1,
    lastSeq: 2,
    status: "running",
    retrying: false,
    release: false,
    ends: false,
  };
  await world.admin.query(
    "update keelson.executions set owner = $2, epoch = 1, wake_at = null, sweep_at = null where id = $1",
    [ids[0], worker],
  );
  const plans = await plansOf(
    session,
    "worker",
    "select * from keelson.execution_commit($1, $2, $3, $4, null, null, null, null, '{1}')",
    [
      tenantId,
      worker,
      JSON.stringify([item]),
      JSON.stringify([{ executionId: ids[0], epoch: 1, firstSeq: 2, lastSeq: 2, items: [{ type: "x" }] }]),
    ],
  );
  expect(plans).toMatch(/Index Scan using executions_pkey on executions e/);
  expect(plans).not.toMatch(/Seq Scan on (executions|inbox|step_runs|event_batches)/);
});

it("counts a tenant's unfinished executions by the index of those alone", async () => {
  const call = "select keelson.tenant_unfinished($1, 100)";
  const plans = await plansOf(await openSession(world, "admin"), "app", call, [tenantId]);
  expect(plans).toMatch(/using executions_unfinished/);
});

it.each([
  { name: "ops_backlog", call: "select * from keelson.ops_backlog(1000)", index: "executions_due" },
  { name: "ops_workers", call: "select * from keelson.ops_workers(10)", index: "executions_owned" },
  { name: "ops_fullest", call: "select * from keelson.ops_fullest(1000, 10)", index: "executions_unfinished" },
  {
    name: "audit_executions_sample",
    call: "select * from keelson.audit_executions_sample(100, 100, null)",
    index: "executions_retention",
  },
])("tells the operator of what has not ended, and not of history, by $index in $name", async ({ call, index }) => {
  const plans = await plansOf(await openSession(world, "admin"), "app", call, []);
  expect(plans).toMatch(new RegExp(`Index (Only )?Scan (Backward )?using ${index}`));
  expect(plans).not.toMatch(/Seq Scan on (executions|inbox)/);
});
