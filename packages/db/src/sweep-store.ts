// The sweep's statements. They are the dispatcher's own functions: ids, states and times of all tenants, never payloads.
import type { ExecutionRef, SweepStore } from "@keelson/engine";
import type { Database, HotQuery } from "./database.ts";
import { WORKER_LOCK_CLASS } from "./lease-store.ts";

/** Index executions_due. */
const DUE: HotQuery = { name: "sweep_due", text: "select * from keelson.sweep_due($1)" };
/** Index inbox_at. */
const INBOX: HotQuery = { name: "sweep_inbox", text: "select * from keelson.sweep_inbox($1)" };
const CLEAR: HotQuery = { name: "gc_inbox", text: "select keelson.gc_inbox($1) as count" };
/** Index executions_owned. */
const REAP: HotQuery = { name: "reap", text: "select tenant_id, execution_id from keelson.reap($1)" };
const SILENT: HotQuery = { name: "workers_silent", text: "select * from keelson.workers_silent($1)" };
const BURY: HotQuery = { name: "workers_bury", text: "select keelson.workers_bury($1) as count" };

interface RefRow {
  readonly tenant_id: string;
  readonly execution_id: string;
}

export function createSweepStore(db: Database): SweepStore {
  // Who looked silent, by the connection that saw it. Believed only when one unbroken connection has seen it twice: a crash
  // of PostgreSQL drops every lock, and every connection with it, so that nobody is buried for that (T13).
  const silentBefore = new Map<number, ReadonlySet<string>>();

  async function refs(query: HotQuery, limit: number): Promise<ExecutionRef[]> {
    const rows = await db.call<RefRow>(query, [limit]);
    return rows.map((row) => ({ tenantId: row.tenant_id, executionId: row.execution_id }));
  }

  return {
    sweepDue: (limit) => refs(DUE, limit),
    sweepInbox: (limit) => refs(INBOX, limit),
    reap: (limit) => refs(REAP, limit),
    async clearInbox(limit) {
      const [row] = await db.call<{ count: number }>(CLEAR, [limit]);
      return row?.count ?? 0;
    },
    async buryTheSilent() {
      const rows = await db.call<{ worker_id: string; pid: number }>(SILENT, [WORKER_LOCK_CLASS]);
      const [first] = rows;
      if (first === undefined) {
        silentBefore.clear();
        return 0;
      }
      const silent = new Set(rows.map((row) => row.worker_id));
      const seen = silentBefore.get(first.pid);
      silentBefore.set(first.pid, silent);
      const twice = [...silent].filter((id) => seen?.has(id));
      if (twice.length === 0) return 0;
      const [row] = await db.call<{ count: number }>(BURY, [twice]);
      return row?.count ?? 0;
    },
  };
}
