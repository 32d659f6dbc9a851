// What is due is found tenant by tenant, so that none stands behind another's thousands.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createExecutionStore, createSweepStore } from "../src/index.ts";
import { claimOne, registerWorker, startOne } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
beforeEach(() =>
  world.admin.query("update keelson.executions set wake_at = null, sweep_at = null, held = true where true"),
);

/** A tenant with so many queued executions, whose sweep is overdue by so long. */
async function queued(count: number, overdue: string) {
  const first = await startOne(world);
  const { workflowId, versionId } = first;
  const ids = [first.executionId];
  for (let n = 1; n < count; n += 1)
    ids.push((await startOne(world, { tenantId: first.tenantId, of: { workflowId, versionId } })).executionId);
  await world.admin.query("update keelson.executions set sweep_at = now() - $2::interval where tenant_id = $1", [
    first.tenantId,
    overdue,
  ]);
  return { ...first, ids };
}

describe("the sweep", () => {
  it("hands on the oldest of every tenant, though one has more than it may take", async () => {
    const greedy = await queued(30, "1 hour");
    const modest = await queued(2, "1 second");
    const sweeps = createSweepStore(world.dispatcher);
    const found = await sweeps.sweepDue(10);
    const of = (tenantId: string) => found.filter((ref) => ref.tenantId === tenantId).length;
    expect(of(modest.tenantId)).toBe(2);
    expect(of(greedy.tenantId)).toBe(14);
    // None is told of twice within the next seconds.
    const again = await sweeps.sweepDue(100);
    expect(again).toHaveLength(16);
    expect(await sweeps.sweepDue(100)).toEqual([]);
  });
});

describe("a worker that asks for one tenant's", () => {
  it("is told of what is free and due, the longest due first, and nobody else is for a while", async () => {
    const { tenantId, ids } = await queued(5, "1 second");
    await queued(3, "1 hour");
    await world.admin.query("update keelson.executions set wake_at = now() - interval '1 hour' where id = $1", [
      ids[3],
    ]);
    await world.admin.query("update keelson.executions set wake_at = now() + interval '1 hour' where id = $1", [
      ids[4],
    ]);
    const worker = await registerWorker(world);
    await claimOne(world, worker, { tenantId, executionId: ids[0]! });
    const store = createExecutionStore(world.worker);
    expect(await store.due(tenantId, 1)).toEqual([{ tenantId, executionId: ids[3] }]);
    const rest = await store.due(tenantId, 10);
    expect(rest.map(({ executionId }) => executionId).toSorted()).toEqual([ids[1]!, ids[2]!].toSorted());
    expect(await store.due(tenantId, 10)).toEqual([]);
  });

  it("is told of what a sweep has just told of: its hints may have been let go by", async () => {
    const { tenantId, ids } = await queued(3, "1 second");
    expect(await createSweepStore(world.dispatcher).sweepDue(100)).toHaveLength(3);
    const store = createExecutionStore(world.worker);
    expect((await store.due(tenantId, 10)).map(({ executionId }) => executionId).toSorted()).toEqual(ids.toSorted());
    expect(await store.due(tenantId, 10)).toEqual([]);
  });

  it("is told of what has been due longest before what is new, however often sweeps have told of it", async () => {
    const { tenantId, workflowId, versionId, ids } = await queued(1, "1 second");
    await world.admin.query("update keelson.executions set wake_at = now() - interval '20 s' where id = $1", [ids[0]]);
    expect(await createSweepStore(world.dispatcher).sweepDue(100)).toHaveLength(1);
    await startOne(world, { tenantId, of: { workflowId, versionId } });
    const store = createExecutionStore(world.worker);
    expect(await store.due(tenantId, 1)).toEqual([{ tenantId, executionId: ids[0] }]);
  });

  it("is told of what has just been started, and of what has mail", async () => {
    const one = await startOne(world);
    const store = createExecutionStore(world.worker);
    const ref = { tenantId: one.tenantId, executionId: one.executionId };
    expect(await store.due(one.tenantId, 10)).toEqual([ref]);
    expect(await store.due(one.tenantId, 10)).toEqual([]);
    await world.admin.query(
      "insert into keelson.inbox (tenant_id, execution_id, gen, kind) values ($1, $2, 1, 'cancel')",
      [one.tenantId, one.executionId],
    );
    expect(await store.due(one.tenantId, 10)).toEqual([ref]);
  });
});
