// Bulk actions carried out by several processes at once, some of which are killed: nothing is lost, nothing done twice.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually, freePort } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { documentOf } from "./support/documents.ts";
import { start } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function originals(client: Client, count: number): Promise<string[]> {
  const name = await client.save(documentOf());
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await start(client, name));
  return ids;
}

async function replayAll(client: Client, rest: object = {}): Promise<string> {
  return (await client.post("/v1/bulk-actions", { action: "replay", filter: {}, ...rest }).expect(202)).body.id;
}

/** What the replays replay, in order. */
async function replayed(client: Client): Promise<string[]> {
  const { rows } = await world.admin.pool.query<{ id: string }>(
    "select replay_of as id from keelson.executions where tenant_id = $1 and replay_of is not null order by 1",
    [client.tenantId],
  );
  return rows.map((row) => row.id);
}

/** A process of the service, until it is killed. */
async function startProcess(): Promise<ChildProcess> {
  const env = { PATH: "/usr/bin:/bin", ...world.env, API_PORT: String(await freePort()) };
  const child = spawn(process.execPath, [MAIN], { env, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

it("shares the items among all who run, each done by one of them", async () => {
  const client = await world.tenant();
  const ids = await originals(client, 40);
  const id = await replayAll(client, { perSecond: 1_000 });
  const runners = [world.bulkActions, world.anotherBulkRunner(), world.anotherBulkRunner()];
  await eventually(async () => {
    await Promise.all(runners.map((runner) => runner.runOnce()));
    const { body } = await client.get(`/v1/bulk-actions/${id}`).expect(200);
    expect(body).toMatchObject({ status: "succeeded", done: 40, succeeded: 40 });
  });
  expect(await replayed(client)).toEqual(ids);
});

it("keeps the pace over all who run", async () => {
  const client = await world.tenant();
  const ids = await originals(client, 4);
  const id = await replayAll(client, { perSecond: 0.01 });
  const runners = [world.bulkActions, world.anotherBulkRunner(), world.anotherBulkRunner()];
  const turn = async () => {
    const runs = await Promise.all(runners.map((runner) => runner.runOnce()));
    return runs.reduce((sum, { done }) => sum + done, 0);
  };
  expect(await turn()).toBe(1);
  expect(await turn()).toBe(0);
  const due = "update keelson.bulk_actions set next_at = now() where id = $1";
  await world.admin.pool.query(due, [id]);
  expect(await turn()).toBe(1);
  expect(await replayed(client)).toEqual(ids.slice(0, 2));
});

it("gives up an item that can never be carried out after ten tries, and does all others first", async () => {
  const client = await world.tenant();
  const ids = await originals(client, 4);
  const [bad = ""] = ids;
  await world.admin.pool.query(`
    create function keelson.test_busy() returns trigger language plpgsql as $$
    begin raise 'busy' using errcode = '55P03'; end $$;
    create trigger busy before insert on keelson.executions
    for each row when (new.replay_of = '${bad}') execute function keelson.test_busy()`);
  onTestFinished(async () => {
    await world.admin.pool.query("drop function keelson.test_busy cascade");
  });
  const id = await replayAll(client, { perSecond: 1_000 });
  const due = "update keelson.bulk_actions set next_at = now() where id = $1";
  const states: object[] = [];
  for (let run = 0; run < 12; run++) {
    await world.bulkActions.runOnce();
    const { body } = await client.get(`/v1/bulk-actions/${id}`).expect(200);
    states.push({ status: body.status, succeeded: body.succeeded, failed: body.failed });
    await world.admin.pool.query(due, [id]);
  }
  expect(states[0]).toEqual({ status: "running", succeeded: 0, failed: 0 });
  expect(states[1]).toEqual({ status: "running", succeeded: 3, failed: 0 });
  expect(await replayed(client)).toEqual(ids.slice(1));
  const { body } = await client.get(`/v1/bulk-actions/${id}`).expect(200);
  expect(body).toMatchObject({ status: "succeeded", succeeded: 3, failed: 1 });
  expect(body.refusals).toMatchObject([{ id: bad, code: "UNAVAILABLE" }]);
});

/** Whoever records an item takes this lock first. */
const RECORDING = 4_711;
async function watchRecording(): Promise<void> {
  await world.admin.pool.query(`
    create function keelson.test_recording() returns trigger language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(${RECORDING}); return new; end $$;
    create trigger recording before update on keelson.bulk_action_items
    for each row execute function keelson.test_recording()`);
  onTestFinished(async () => {
    await world.admin.pool.query("drop function keelson.test_recording cascade");
  });
}

it.each([
  { place: "before an effect", lock: "select from keelson.workflows where tenant_id = $1 for update" },
  { place: "between effect and record", lock: `select pg_advisory_xact_lock(${RECORDING}), $1::uuid` },
])(
  "loses and doubles nothing when a process is killed $place",
  async ({ lock }) => {
    await watchRecording();
    const client = await world.tenant();
    const ids = await originals(client, 12);
    const id = await replayAll(client);
    const blocker = await world.admin.pool.connect();
    try {
      await blocker.query("begin");
      await blocker.query("set local idle_in_transaction_session_timeout = 0");
      await blocker.query(lock, [client.tenantId]);
      const child = await startProcess();
      await eventually(async () => expect(await waiting()).toBeGreaterThan(0), { withinMs: 30_000 });
      await killed(child);
      expect(await replayed(client)).toEqual([]);
    } finally {
      await blocker.query("rollback");
      blocker.release();
    }
    await eventually(async () => {
      await world.bulkActions.runOnce();
      const { body } = await client.get(`/v1/bulk-actions/${id}`).expect(200);
      expect(body).toMatchObject({ status: "succeeded", done: 12, succeeded: 12 });
    });
    expect(await replayed(client)).toEqual(ids);
  },
  120_000,
);

/** Statements of the process of the service that wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await world.admin.pool.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and application_name = 'keelson-api' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}
