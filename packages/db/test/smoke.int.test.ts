import { afterAll, beforeAll, expect, it } from "vitest";
import { v7 as newId } from "uuid";
import { createExecutionStore, createLeaseStore, executionStart } from "../src/index.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

it("carries an execution from its start over a claim and a commit to its end", async () => {
  const tenantId = await world.tenant();
  const { workflowId, versionId } = await world.workflow(tenantId, { name: "one", steps: [] });
  const executionId = newId();
  const started = await executionStart(world.app, {
    tenantId,
    workflowId,
    start: { executionId, versionId, triggerType: "api", trigger: { type: "api" }, input: { b: 1, a: 2 } },
    idempotency: null,
    maxUnfinished: 10,
  });
  expect(started).toEqual({ kind: "started", executionId, held: false });
  const leases = createLeaseStore(world.worker, { url: world.workerUrl, applicationName: "t", stats: () => ({}) });
  const { workerId } = await leases.register("w", 15_000);
  const store = createExecutionStore(world.worker);
  const [answer] = await store.claim(workerId, [{ tenantId, executionId }]);
  if (answer?.kind !== "claimed") throw new Error(`not claimed: ${JSON.stringify(answer)}`);
  const { execution } = answer;
  expect(JSON.stringify(execution.input)).toBe('{"b":1,"a":2}');
  const verdict = await store.commit(workerId, {
    tenantId,
    executionId,
    epoch: execution.epoch,
    seq: execution.seq,
    events: [{ type: "execution.running" }, { type: "execution.succeeded" }],
    status: "succeeded",
    failing: null,
    steps: [],
    attempts: [],
    children: [],
    cancels: [],
    eaten: [],
    progress: false,
    summary: { progress: {}, current: [], retrying: null },
    nowAt: execution.nowAt,
    release: false,
    wakeAt: null,
    end: { output: { done: true }, error: null, parent: null },
  });
  expect(verdict).toEqual({ kind: "applied", released: true, mail: false });
  expect((await leases.tick(workerId, 15_000)).alive).toBe(true);
  await leases.retire(workerId);
  await leases.close();
});
