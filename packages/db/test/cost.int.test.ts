// What an execution costs: statements, each of which is a commit. Ticks and sweeps aside.
import type { JsonObject } from "@keelson/contracts";
import { eventually } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { v7 as newId } from "uuid";
import { deliveryAccept, executionStart, openDatabase, type Database } from "../src/index.ts";
import { createRig, type Rig } from "./rig.ts";
import { openSession, startRequest, type PgSession, type Started } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

/** Each is measured as often, and the least is taken: PostgreSQL's own background work can only add. */
const RUNS = 4;

let world: World;
let watcher: PgSession;
/** One connection each, so that what counting costs is the same every time. */
let app: Database;
let worker: Database;
let statements: string[] = [];
beforeAll(async () => {
  world = await createWorld();
  watcher = await openSession(world, "admin");
  app = openDatabase({ url: world.urls.app, applicationName: "cost", maxConnections: 1 });
  worker = openDatabase({ url: world.urls.worker, applicationName: "cost", maxConnections: 1 });
});
afterAll(async () => {
  await Promise.all([app.close(), worker.close()]);
  await world.close();
});

/** The same database, telling the names of its statements. */
function counted(db: Database): Database {
  return {
    ...db,
    call(query, values) {
      statements.push(query.name);
      return db.call(query, values);
    },
    withTenant(tenantId, work) {
      statements.push("withTenant");
      return db.withTenant(tenantId, work);
    },
  };
}

/** A connection tells its commits at once by this, and only because a table is read with it. */
const FLUSH = "select pg_stat_force_next_flush() from keelson._prisma_migrations limit 1";

/** Commits of the whole database so far. */
async function commits(): Promise<number> {
  for (const { pool } of [app, worker]) await pool.query(FLUSH);
  await watcher.client.query(FLUSH);
  const { rows } = await watcher.client.query<{ n: string }>(
    "select xact_commit as n from pg_stat_database where datname = current_database()",
  );
  return Number(rows[0]!.n);
}

/** Statements by name, and the commits of one run, from its start to its end. */
async function costOf(
  steps: JsonObject[],
  options: { webhook?: boolean; answers?: number; prepare?: (tenantId: string) => Promise<unknown> } = {},
): Promise<{ statements: string[]; commits: number }> {
  const tenantId = await world.tenant();
  await options.prepare?.(tenantId);
  const of = await world.workflow(tenantId, { steps });
  const hookId = newId();
  await world.admin.query(
    "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'h')",
    [tenantId, hookId, of.workflowId],
  );
  const rig = createRig(world, { worker: counted(worker), hinted: true });
  await rig.runner.tick();
  const costs = { counting: Number.POSITIVE_INFINITY, run: Number.POSITIVE_INFINITY };
  let named: string[] = [];
  for (let run = 0; run <= RUNS; run += 1) {
    const one: Started = { tenantId, executionId: newId(), ...of };
    const idle = await commits();
    const before = await commits();
    statements = [];
    if (options.webhook === true) await accept(counted(app), one, hookId);
    else await executionStart(counted(app), startRequest(one));
    await rig.runner.offer(one);
    await answered(rig, (options.answers ?? 0) * (run + 1));
    await eventually(() => expect(rig.commits.at(-1)).toMatchObject({ id: one.executionId, status: "succeeded" }));
    await eventually(() => expect(rig.runner.active).toBe(0));
    expect(rig.log).toEqual([]);
    const after = await commits();
    named = statements;
    // The first run loads what is kept from then on: prepared statements, the compiled version.
    if (run === 0) continue;
    costs.counting = Math.min(costs.counting, before - idle);
    costs.run = Math.min(costs.run, after - before);
  }
  statements = [];
  await rig.stop();
  return { statements: named, commits: costs.run - costs.counting };
}

async function answered(rig: Rig, count: number): Promise<void> {
  await eventually(() => expect(rig.effects).toHaveLength(count));
  rig.effects.at(-1)?.succeed({ ok: true });
}

async function accept(db: Database, one: Started, hookId: string): Promise<void> {
  const { start } = startRequest(one);
  const verdict = await deliveryAccept(db, {
    tenantId: one.tenantId,
    delivery: {
      id: newId(),
      hookId,
      workflowId: one.workflowId,
      repeatKey: newId(),
      headers: {},
      query: {},
      contentType: null,
    },
    body: Buffer.from("{}"),
    start: { ...start, triggerType: "webhook" },
    maxUnfinished: null,
  });
  expect(verdict).toMatchObject({ kind: "accepted" });
}

const transform = (id: string, dependsOn: string[] = []) => ({
  id,
  type: "transform",
  dependsOn,
  config: { output: id },
});

it("takes four statements from a webhook over a transform, a condition and an http request to the end", async () => {
  const steps = [
    transform("shape"),
    { id: "check", type: "condition", dependsOn: ["shape"], config: { if: "true" } },
    {
      id: "send",
      type: "http",
      dependsOn: ["check:true"],
      config: { method: "POST", url: "http://example.test/", body: {} },
    },
  ];
  expect(await costOf(steps, { webhook: true, answers: 1 })).toEqual({
    statements: ["deliveries_accept", "execution_claim", "execution_commit", "execution_commit"],
    commits: 4,
  });
});

it("takes three for a chain of ten transforms", async () => {
  const steps = Array.from({ length: 10 }, (_, index) => transform(`t${index}`, index === 0 ? [] : [`t${index - 1}`]));
  expect(await costOf(steps)).toEqual({
    statements: ["execution_start", "execution_claim", "execution_commit"],
    commits: 3,
  });
});

it("takes five for a delay", async () => {
  const cost = await costOf([{ id: "nap", type: "delay", config: { for: 60 } }]);
  expect(cost).toEqual({
    statements: ["execution_start", "execution_claim", "execution_commit", "execution_claim", "execution_commit"],
    commits: 5,
  });
});

it("takes seven for a parent and its child, once the child's workflow is known by name", async () => {
  const prepare = (tenantId: string) => world.workflow(tenantId, { name: "the-child", steps: [transform("a")] });
  const cost = await costOf([{ id: "call", type: "subworkflow", config: { workflow: "the-child" } }], { prepare });
  expect(cost).toEqual({
    statements: [
      "execution_start",
      "execution_claim",
      "execution_commit",
      "execution_claim",
      "execution_commit",
      "execution_claim",
      "execution_commit",
    ],
    commits: 7,
  });
});
