// The engine's store of executions, on PostgreSQL as the restricted worker role.
import type { Json, StepError } from "@keelson/contracts";
import type { ExecutionStore, InboxItem } from "@keelson/engine";
import type { Database, HotQuery } from "./database.ts";
import { executionClaim } from "./execution-claim.ts";
import { createGroupCommit } from "./group-commit.ts";
import { patiently } from "./patiently.ts";

/** Index executions_due_of_tenant. */
const DUE: HotQuery = { name: "tenant_due", text: "select * from keelson.tenant_due($1, $2)" };
const INBOX: HotQuery = { name: "inbox_read", text: "select * from keelson.inbox_read($1, $2)" };
const OUTPUTS: HotQuery = { name: "outputs_load", text: "select * from keelson.outputs_load($1, $2, $3)" };
const CHILD: HotQuery = { name: "child_result_load", text: "select * from keelson.child_result_load($1, $2)" };
const LET_GO: HotQuery = { name: "execution_let_go", text: "select keelson.execution_let_go($1, $2, $3, $4)" };

interface InboxRow {
  readonly id: string;
  readonly kind: InboxItem["kind"];
  readonly step_id: string | null;
  readonly source_id: string | null;
}

interface ChildRow {
  readonly status: "succeeded" | "failed" | "cancelled";
  readonly output: Json | null;
  readonly error: StepError | null;
}

export function createExecutionStore(db: Database): ExecutionStore {
  const groups = createGroupCommit(db);
  return {
    commit: groups.commit,
    async claim(workerId, refs) {
      const byTenant = Map.groupBy(refs, (ref) => ref.tenantId);
      const answers = [...byTenant].map(([tenantId, mine]) =>
        executionClaim(
          db,
          workerId,
          tenantId,
          mine.map((ref) => ref.executionId),
        ),
      );
      return (await Promise.all(answers)).flat();
    },
    async due(tenantId, limit) {
      const rows = await db.call<{ execution_id: string }>(DUE, [tenantId, limit]);
      return rows.map((row) => ({ tenantId, executionId: row.execution_id }));
    },
    async readInbox({ tenantId, executionId }) {
      const rows = await patiently(() => db.call<InboxRow>(INBOX, [tenantId, executionId]));
      return rows.map((row) => ({ id: row.id, kind: row.kind, stepId: row.step_id, sourceId: row.source_id }));
    },
    async loadOutputs({ tenantId, executionId }, stepIds) {
      const rows = await patiently(() =>
        db.call<{ step_id: string; output: Json }>(OUTPUTS, [tenantId, executionId, stepIds]),
      );
      return new Map(rows.map((row) => [row.step_id, row.output]));
    },
    async loadChildResult(tenantId, childId) {
      const [row] = await patiently(() => db.call<ChildRow>(CHILD, [tenantId, childId]));
      if (row === undefined) return null;
      return row.status === "succeeded"
        ? { status: row.status, output: row.output }
        : { status: row.status, error: row.error };
    },
    async letGo(workerId, refs, inMs) {
      for (const [tenantId, mine] of Map.groupBy(refs, (ref) => ref.tenantId)) {
        await db.call(LET_GO, [tenantId, workerId, mine.map((ref) => ref.executionId), inMs]);
      }
    },
  };
}
