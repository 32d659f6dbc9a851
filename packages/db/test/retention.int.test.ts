// What is past its time goes, with all that hangs on it; nothing else does.
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSweepStore, executionNotify, retireOnce } from "../src/index.ts";
import { furnishTenant } from "./every-table.ts";
import {
  claimOne,
  commitOne,
  countOf,
  endOf,
  factsOf,
  openSession,
  registerWorker,
  startOne,
  type Started,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const HOUR_MS = 3_600_000;

async function tablesWithRowsOf(tenantId: string): Promise<string[]> {
  const { rows } = await world.admin.query<{ name: string }>(
    `select distinct a.attrelid::regclass::text as name from pg_attribute a join pg_class c on c.oid = a.attrelid
     where c.relnamespace = 'keelson'::regnamespace and c.relkind = 'r' and a.attname = 'tenant_id' order by 1`,
  );
  const filled: string[] = [];
  for (const { name } of rows) {
    const { rowCount } = await world.admin.query(`select from ${name} where tenant_id = $1`, [tenantId]);
    if (rowCount !== 0) filled.push(name.replace("keelson.", ""));
  }
  return filled;
}

function before(executions: number, deliveries = executions) {
  const at = (ms: number) => new Date(Date.now() - ms);
  return { executions: at(executions), deliveries: at(deliveries), workers: at(0) };
}

it("takes an ended execution with all that hangs on it, then deliveries, keys and fires, and leaves what was set", async () => {
  const { tenantId, id } = await furnishTenant(world);
  const all = await tablesWithRowsOf(tenantId);
  // Unfinished, however old.
  expect(await retireOnce(world.dispatcher, before(-HOUR_MS, HOUR_MS))).toMatchObject({ executions: 0 });
  await world.admin.query(
    `update keelson.executions set status = 'cancelled', finished_at = now(), wake_at = null, sweep_at = null where id = $1`,
    [id],
  );
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toEqual({ executions: 0, deliveries: 0, more: false });
  expect(await retireOnce(world.dispatcher, before(-HOUR_MS))).toEqual({ executions: 1, deliveries: 1, more: false });
  const left = await tablesWithRowsOf(tenantId);
  expect(all.filter((table) => !left.includes(table))).toEqual([
    "attempts",
    "deliveries",
    "delivery_keys",
    "event_batches",
    "execution_labels",
    "executions",
    "idempotency_keys",
    "inbox",
    "schedule_fires",
    "step_runs",
  ]);
});

it("says that there may be more when a batch was full", async () => {
  const { tenantId, workflowId, versionId } = await startOne(world);
  await world.admin.query(
    `insert into keelson.executions
       (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, status, finished_at)
     select $1, gen_random_uuid(), $2, 'w', $3, 1, 'api', '{}', 'cancelled', now() - interval '1 day'
     from generate_series(1, 700)`,
    [tenantId, workflowId, versionId],
  );
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 500, more: true });
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 200, more: false });
});

it("forgets workers long gone that own nothing", async () => {
  const [gone, owning] = [await registerWorker(world), await registerWorker(world)];
  const one = await startOne(world);
  await claimOne(world, owning, one);
  await world.admin.query("update keelson.workers set lease_until = now() - interval '1 day'");
  await retireOnce(world.dispatcher, before(HOUR_MS));
  const { rows } = await world.admin.query("select id from keelson.workers");
  expect(rows).toEqual([{ id: owning }]);
  expect(gone).not.toBe(owning);
});

it("clears away mail of ended executions, and of no other", async () => {
  const worker = await registerWorker(world);
  const [ended, waiting] = [await startOne(world), await startOne(world)];
  for (const { tenantId, executionId } of [ended, waiting]) {
    await executionNotify(world.app, tenantId, executionId, { kind: "cancel" });
  }
  await commitOne(world, worker, endOf(await claimOne(world, worker, ended)));
  await world.admin.query("update keelson.inbox set at = now() - interval '2 s'");
  const sweep = createSweepStore(world.dispatcher);
  expect(await sweep.clearInbox(10)).toBe(1);
  expect(await sweep.sweepInbox(10)).toEqual([{ tenantId: waiting.tenantId, executionId: waiting.executionId }]);
  expect(await factsOf(world, ended)).toMatchObject({ status: "succeeded" });
});

it("takes bulk actions that are over with their items, and none that goes on", async () => {
  const [over, open] = [await furnishTenant(world), await furnishTenant(world)];
  await world.admin.query(
    "update keelson.bulk_actions set status = 'stopped', finished_at = now() - interval '1 day' where id = $1",
    [over.id],
  );
  await retireOnce(world.dispatcher, before(HOUR_MS));
  for (const table of ["bulk_actions", "bulk_action_items"]) {
    const { rows } = await world.admin.query(
      `select tenant_id as "tenantId" from keelson.${table} where tenant_id in ($1, $2)`,
      [over.tenantId, open.tenantId],
    );
    expect(rows).toEqual([{ tenantId: open.tenantId }]);
  }
});

function workflowOf({ workflowId, versionId }: Started) {
  return { workflowId, versionId };
}

/** So many that ended a day ago, each with steps, attempts, events and a label; and a delivery with its key for each. */
async function layEnded(of: Started, count: number): Promise<void> {
  const { tenantId, workflowId, versionId } = of;
  await world.admin.query(
    `with x as (
       insert into keelson.executions
         (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, status, finished_at)
       select $1::uuid, gen_random_uuid(), $2, 'w', $3, 1, 'api', '{}', 'cancelled', now() - interval '1 day'
       from generate_series(1, $4) returning tenant_id, id
     ), s as (
       insert into keelson.step_runs (tenant_id, execution_id, step_id, status)
       select x.tenant_id, x.id, 's' || n, 'cancelled' from x, generate_series(1, 3) n
     ), a as (
       insert into keelson.attempts (tenant_id, execution_id, step_id, iter, attempt, started_at, outcome)
       select x.tenant_id, x.id, 's1', 1, n, now(), 'failed' from x, generate_series(1, 2) n
     ), e as (
       insert into keelson.event_batches (tenant_id, execution_id, first_seq, last_seq, epoch, items)
       select x.tenant_id, x.id, n, n, 1, '[{"type":"x"}]' from x, generate_series(2, 4) n
     )
     insert into keelson.execution_labels (tenant_id, name, value, execution_id)
     select x.tenant_id, 'k', 'v', x.id from x`,
    [tenantId, workflowId, versionId, count],
  );
  await world.admin.query(
    `with h as (
       insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id)
       values ($1, gen_random_uuid(), $2, 'h') returning id
     ), k as (
       insert into keelson.delivery_keys (tenant_id, hook_id, key, execution_id, at)
       select $1::uuid, h.id, 'k' || n, $1, now() - interval '1 day' from h, generate_series(1, $3) n
     )
     insert into keelson.deliveries (tenant_id, id, hook_id, workflow_id, status, execution_id, received_at)
     select $1::uuid, gen_random_uuid(), h.id, $2, 'accepted', $1, now() - interval '1 day'
     from h, generate_series(1, $3) n`,
    [tenantId, workflowId, count],
  );
}

it("lets several schedulers retire at once: each row goes once, and none waits for good", async () => {
  const one = await startOne(world);
  await layEnded(one, 2_500);
  const untilNone = async () => {
    const sum = { executions: 0, deliveries: 0 };
    for (;;) {
      const { executions, deliveries, more } = await retireOnce(world.dispatcher, before(HOUR_MS));
      sum.executions += executions;
      sum.deliveries += deliveries;
      if (!more) return sum;
    }
  };
  const sums = await Promise.all([untilNone(), untilNone(), untilNone()]);
  // Who finds all that is left in others' hands is done for this time.
  sums.push(await untilNone());
  expect(sums.reduce((sum, { executions }) => sum + executions, 0)).toBe(2_500);
  expect(sums.reduce((sum, { deliveries }) => sum + deliveries, 0)).toBe(2_500);
  const left = await tablesWithRowsOf(one.tenantId);
  expect(left).not.toContain("step_runs");
  expect(left).not.toContain("delivery_keys");
  expect(await factsOf(world, one)).toMatchObject({ status: "queued" });
});

it("holds up no start, claim, commit or delivery while a batch goes", async () => {
  const worker = await registerWorker(world);
  const one = await startOne(world);
  await layEnded(one, 600);
  const session = await openSession(world, "dispatcher");
  await session.client.query("begin");
  for (const kind of ["executions", "deliveries", "delivery_keys"]) {
    const { rows } = await session.client.query(
      `select keelson.${kind}_retire(now() - interval '1 hour', 500) as count`,
    );
    expect(rows).toEqual([{ count: 500 }]);
  }
  // Of the same tenant and workflow, and with the batch not yet committed: whatever waited for it would wait for ever.
  const two = await startOne(world, { tenantId: one.tenantId, of: workflowOf(one) });
  await commitOne(world, worker, endOf(await claimOne(world, worker, two)));
  expect(await factsOf(world, two)).toMatchObject({ status: "succeeded" });
  await world.admin.query(
    `insert into keelson.deliveries (tenant_id, id, hook_id, workflow_id, status, execution_id)
     select h.tenant_id, gen_random_uuid(), h.id, h.workflow_id, 'accepted', $2 from keelson.hooks h where h.tenant_id = $1`,
    [one.tenantId, two.executionId],
  );
  // What it has in hand, another passes over.
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 100, deliveries: 0 });
  await session.client.query("commit");
});

it("passes over an execution that somebody is working on at that moment", async () => {
  const one = await startOne(world);
  await layEnded(one, 3);
  const session = await openSession(world, "admin");
  await session.client.query("begin");
  await session.client.query(
    "select from keelson.executions where tenant_id = $1 and finished_at is not null limit 1 for no key update",
    [one.tenantId],
  );
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 2 });
  await session.client.query("rollback");
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 1 });
});

it("leaves the children, the replays and the deliveries of what is gone, and a child ends without its parent", async () => {
  const worker = await registerWorker(world);
  const parent = await startOne(world);
  const [child, replay] = [
    await startOne(world, { tenantId: parent.tenantId, of: workflowOf(parent) }),
    await startOne(world, { tenantId: parent.tenantId, of: workflowOf(parent) }),
  ];
  await world.admin.query(
    "update keelson.executions set parent_id = $2, parent_step = 's', parent_gen = 1, created_at = now() - interval '9 days' where id = $1",
    [child.executionId, parent.executionId],
  );
  await world.admin.query("update keelson.executions set replay_of = $2 where id = $1", [
    replay.executionId,
    parent.executionId,
  ]);
  await world.admin.query(
    `update keelson.executions set status = 'failed', error = '{}', finished_at = now() - interval '1 day', wake_at = null,
       sweep_at = null where id = $1`,
    [parent.executionId],
  );
  expect(await retireOnce(world.dispatcher, before(HOUR_MS))).toMatchObject({ executions: 1 });
  expect(await factsOf(world, parent)).toBeUndefined();
  await commitOne(world, worker, endOf(await claimOne(world, worker, child)));
  expect(await factsOf(world, child)).toMatchObject({ status: "succeeded" });
  expect(await countOf(world, "inbox", parent)).toBe(0);
  expect(await factsOf(world, replay)).toMatchObject({ status: "queued" });
});
