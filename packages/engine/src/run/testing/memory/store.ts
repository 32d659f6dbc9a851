// The engine's store of executions over rows in memory: one call after the other, each whole.
import { UnstorableError, type ExecutionStore } from "../../ports.ts";
import { commit } from "./commit.ts";
import { childResult, claim, dueOf, letGo, loadOutputs, readInbox } from "./leases.ts";
import type { Tables } from "./tables.ts";

export function createMemoryStore(tables: Tables): ExecutionStore {
  return {
    claim: async (workerId, refs) => claim(tables, workerId, refs),
    due: async (tenantId, limit) => dueOf(tables, tenantId, limit),
    async commit(workerId, item) {
      try {
        return commit(tables, workerId, item);
      } catch (error) {
        throw new UnstorableError("The rows refuse the data of this commit", { cause: error });
      }
    },
    readInbox: async (ref) => readInbox(tables, ref),
    loadOutputs: async (ref, stepIds) => loadOutputs(tables, ref, stepIds),
    loadChildResult: async (tenantId, executionId) => childResult(tables, { tenantId, executionId }),
    letGo: async (workerId, refs, inMs) => letGo(tables, workerId, refs, inMs),
  };
}
