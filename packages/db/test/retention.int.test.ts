// What is past its time goes, with all that hangs on it; nothing else does.
import { afterAll, beforeAll, expect, it } from "vitest";
import { createSweepStore, executionNotify, retireOnce } from "../src/index.ts";
import { furnishTenant } from "./every-table.ts";
import { claimOne, commitOne, endOf, factsOf, registerWorker, startOne } from "./stage.ts";
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
