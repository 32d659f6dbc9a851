// The store in memory keeps the word that PostgreSQL keeps: packages/db/test/conformance.int.test.ts runs the same cases.
import type { Json } from "@keelson/contracts";
import { describeStore, type StoreSubject } from "../conformance/conformance.ts";
import { commit } from "./commit.ts";
import { createLeases, readExecution } from "./leases.ts";
import { pauseWorkflow, resumeWorkflow, retryExecution, startExecution } from "./starts.ts";
import { createMemoryStore } from "./store.ts";
import { createSweeps } from "./sweeps.ts";
import { changeExecution, createTables, executionOf, mailOf, type ExecutionRow, type WorkflowRow } from "./tables.ts";
import type { ExecutionRef } from "../../ports.ts";

describeStore("the store in memory", async (): Promise<StoreSubject> => {
  const tables = createTables(() => Date.now());
  const rowOf = (ref: ExecutionRef): ExecutionRow => executionOf(tables, ref)!;

  function workflow(tenantId: string): WorkflowRow {
    const [workflowId, versionId] = [crypto.randomUUID(), crypto.randomUUID()];
    const row = { tenantId, workflowId, versionId, name: "w", timeoutMs: null, paused: false };
    tables.workflows.set(workflowId, row);
    return row;
  }

  return {
    store: createMemoryStore(tables),
    sweeps: createSweeps(tables),
    async startOne(input: Json = null) {
      const of = workflow(crypto.randomUUID());
      const ref = { tenantId: of.tenantId, executionId: crypto.randomUUID() };
      startExecution(tables, ref, of, input);
      return { ...ref, workflowId: of.workflowId, versionId: of.versionId };
    },
    workflow: async (tenantId) => {
      const { workflowId, versionId } = workflow(tenantId);
      return { workflowId, versionId };
    },
    registerWorker: async (ttlMs) => (await createLeases(tables).register("test", ttlMs)).workerId,
    expireWorker: async (workerId) => void (tables.workers.get(workerId)!.leaseUntil = Date.now()),
    commit: async (workerId, item) => commit(tables, workerId, item),
    async read(ref) {
      const row = rowOf(ref);
      return { ...readExecution(tables, row), output: row.output, error: row.error };
    },
    retry: async (reopening) => retryExecution(tables, reopening),
    pause: async (_tenantId, workflowId) => pauseWorkflow(tables, workflowId),
    resume: async (_tenantId, workflowId) => resumeWorkflow(tables, workflowId),
    setTimeoutMs: async (ref, timeoutMs) => changeExecution(rowOf(ref), { timeoutMs }),
    rewrite: async (ref) => changeExecution(rowOf(ref), { status: "failed", output: null }),
    async factsOf(ref) {
      const { status, owner, epoch, held, wakeAt, sweepAt, output } = rowOf(ref);
      return { status, owner, epoch, held, due: (wakeAt ?? Infinity) <= Date.now(), swept: sweepAt !== null, output };
    },
    mailOf: async (ref) => mailOf(tables, rowOf(ref)).length,
    attemptsOf: async (ref) => rowOf(ref).attempts,
    batchesOf: async (ref) => rowOf(ref).batches.map(({ firstSeq, lastSeq, items }) => ({ firstSeq, lastSeq, items })),
    close: async () => undefined,
  };
});
