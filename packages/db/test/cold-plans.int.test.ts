// A plan is made once a connection, and may be made while a tenant has nothing yet. It must read no more of a tenant that
// has thousands of executions a minute later, long before anything analyzes the tables.
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  createDeliveryAcceptor,
  createSweepStore,
  deliveryAccept,
  executionClaim,
  executionCommit,
} from "../src/index.ts";
import { endOf, inSession, NO_STEPS, openSession, registerWorker, type PgSession } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

/** Of one execution; its rows are read a few times each. */
const FEW = 60;
const MANY = 1500;

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.admin.query("alter table keelson.executions set (autovacuum_enabled = off)");
});
afterAll(() => world.close());

it("reads what a webhook, a claim, a commit and a sweep are of, and nothing else of the tenant", async () => {
  const tenantId = await world.tenant();
  const of = await world.workflow(tenantId, NO_STEPS);
  const hookId = newId();
  await world.admin.query(
    "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'h')",
    [tenantId, hookId, of.workflowId],
  );
  const [app, holder] = [await openSession(world, "app"), await openSession(world, "worker")];
  const dispatcher = await openSession(world, "dispatcher");
  const worker = await registerWorker(world);
  const lifeOfOne = async () => {
    const request = delivery();
    const accepting = await rowsReadBy(app, () => deliveryAccept(inSession(world, app), request));
    const ids = [request.start.executionId];
    const claiming = await rowsReadBy(holder, () => executionClaim(inSession(world, holder), worker, tenantId, ids));
    const [claimed] = claiming.result;
    if (claimed?.kind !== "claimed") throw new Error("Not claimed");
    const items = [endOf(claimed.execution)];
    const committing = await rowsReadBy(holder, () =>
      executionCommit(inSession(world, holder), worker, tenantId, items),
    );
    expect(committing.result).toMatchObject([{ kind: "applied" }]);
    const sweeping = await rowsReadBy(dispatcher, () => createSweepStore(inSession(world, dispatcher)).sweepInbox(100));
    return {
      accepting: accepting.rows,
      claiming: claiming.rows,
      committing: committing.rows,
      sweeping: sweeping.rows,
    };
  };
  await lifeOfOne();
  const accept = createDeliveryAcceptor(world.app);
  await Promise.all(Array.from({ length: MANY }, () => accept(delivery())));

  const read = await lifeOfOne();
  expect(Object.entries(read).filter(([, rows]) => rows >= FEW)).toEqual([]);

  function delivery() {
    const record = {
      id: newId(),
      hookId,
      workflowId: of.workflowId,
      repeatKey: newId(),
      headers: {},
      query: {},
      contentType: null,
    };
    const start = {
      executionId: newId(),
      versionId: of.versionId,
      triggerType: "webhook" as const,
      trigger: {},
      input: {},
    };
    return { tenantId, delivery: record, body: Buffer.from("{}"), start, maxUnfinished: null };
  }
});

/** Rows that PostgreSQL fetched for it, whether they were wanted or not. */
async function rowsReadBy<T>({ client }: PgSession, work: () => Promise<T>): Promise<{ rows: number; result: T }> {
  await client.query("begin");
  const result = await work();
  const counted = await client.query<{ rows: number }>(
    `select sum(coalesce(pg_stat_get_xact_tuples_returned(c.oid), 0) + coalesce(pg_stat_get_xact_tuples_fetched(c.oid), 0))::int as rows
     from pg_class c where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'i')`,
  );
  await client.query("commit");
  return { rows: counted.rows[0]!.rows, result };
}
