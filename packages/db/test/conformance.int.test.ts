// PostgreSQL, as the restricted roles, keeps the word that the engine relies on: packages/engine/src/run/testing/conformance
// has the cases, which the store in memory is held to as well.
import type { ExecutionRef } from "@keelson/engine";
import { describeStore, type StoreSubject } from "@keelson/engine/testing/conformance";
import {
  createExecutionStore,
  createSweepStore,
  executionRead,
  executionRetry,
  workflowPause,
  workflowResume,
} from "../src/index.ts";
import { commitOne, countOf, factsOf, NO_STEPS, registerWorker, startOne } from "./stage.ts";
import { createWorld } from "./world.ts";

describeStore("PostgreSQL", async (): Promise<StoreSubject> => {
  const world = await createWorld();
  const rows = async <R extends object>(sql: string, ref: ExecutionRef): Promise<R[]> =>
    (await world.admin.query<R>(sql, [ref.executionId])).rows;

  return {
    store: createExecutionStore(world.worker),
    sweeps: createSweepStore(world.dispatcher),
    startOne: (input = null) => startOne(world, { input }),
    workflow: (tenantId) => world.workflow(tenantId, NO_STEPS),
    registerWorker: (ttlMs) => registerWorker(world, ttlMs),
    expireWorker: async (workerId) =>
      void (await world.admin.query("update keelson.workers set lease_until = now() where id = $1", [workerId])),
    commit: (workerId, item) => commitOne(world, workerId, item),
    read: ({ tenantId, executionId }) => executionRead(world.app, tenantId, executionId),
    retry: (reopening) => executionRetry(world.app, reopening),
    pause: (tenantId, workflowId) => workflowPause(world.app, tenantId, workflowId),
    resume: (tenantId, workflowId) => workflowResume(world.app, tenantId, workflowId),
    setTimeoutMs: async ({ executionId }, timeoutMs) =>
      void (await world.admin.query("update keelson.executions set timeout_ms = $2 where id = $1", [
        executionId,
        timeoutMs,
      ])),
    rewrite: (ref) =>
      rows("update keelson.executions set status = 'failed', error = '{}', output = null where id = $1", ref),
    async factsOf(ref) {
      const facts = await factsOf(world, ref);
      return {
        status: facts.status,
        owner: facts.owner,
        epoch: Number(facts.epoch),
        held: facts.held,
        due: facts.due,
        swept: facts.sweep_at !== null,
        output: facts.output,
      };
    },
    mailOf: (ref) => countOf(world, "inbox", ref),
    attemptsOf: (ref) =>
      rows(
        `select extract(epoch from started_at)::float8 * 1000 as "startedAt",
           extract(epoch from finished_at)::float8 * 1000 as "finishedAt"
         from keelson.attempts where execution_id = $1`,
        ref,
      ),
    batchesOf: (ref) =>
      rows(
        `select first_seq as "firstSeq", last_seq as "lastSeq", items
         from keelson.event_batches where execution_id = $1 order by 1`,
        ref,
      ),
    close: () => world.close(),
  };
});
