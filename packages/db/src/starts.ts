// Starts by the API: one statement and one commit each, after which the execution is a row and nothing can lose it (I6).
import type { Json, TraceContext } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";

const START: HotQuery = {
  name: "execution_start",
  text: "select * from keelson.execution_start($1, $2, $3, $4, $5, $6)",
};
const RUN: HotQuery = { name: "schedule_run", text: "select * from keelson.schedule_run($1, $2, $3, $4, $5, $6)" };

export interface ExecutionStart {
  readonly executionId: string;
  readonly versionId: string;
  readonly triggerType: "webhook" | "api" | "schedule" | "subworkflow";
  /** What templates see as `trigger`. */
  readonly trigger: Json;
  readonly input: Json;
  readonly replayOf?: string;
  /** Of the request that starts it. */
  readonly trace?: TraceContext | null;
}

/** What the functions that start say of each. */
export interface VerdictRow<V> {
  readonly verdict: V;
  readonly execution_id: string | null;
  readonly held: boolean | null;
}

/** `repeat`: the key's first execution; `mismatch`: the key was used with another body; `full`: the tenant's limit. */
export type StartVerdict =
  | { readonly kind: "started"; readonly executionId: string; readonly held: boolean }
  | { readonly kind: "repeat"; readonly executionId: string }
  | { readonly kind: "mismatch" | "archived" | "unknown" | "full" };

/** Of a request that may be sent again: its key, and a hash of what it asks for. */
export interface StartKey {
  readonly key: string;
  readonly bodyHash: Uint8Array;
}

/** Starts by the API. A refusal uses up no key. `maxUnfinished`: the tenant's limit. */
export async function executionStart(
  db: Database,
  request: {
    readonly tenantId: string;
    readonly workflowId: string;
    readonly start: ExecutionStart;
    readonly idempotency: StartKey | null;
    readonly maxUnfinished: number | null;
  },
): Promise<StartVerdict> {
  const { tenantId, workflowId, start, idempotency, maxUnfinished } = request;
  const [row] = await db.call<VerdictRow<StartVerdict["kind"]>>(START, [
    tenantId,
    workflowId,
    JSON.stringify(start),
    idempotency?.key ?? null,
    idempotency === null ? null : Buffer.from(idempotency.bodyHash),
    maxUnfinished,
  ]);
  return startVerdictOf(row);
}

/** Starts an execution of a schedule now, by hand; verdicts as of `executionStart`. */
export async function scheduleRun(
  db: Database,
  request: {
    readonly tenantId: string;
    readonly scheduleId: string;
    readonly executionId: string;
    readonly idempotency: StartKey | null;
    readonly maxUnfinished: number | null;
  },
): Promise<StartVerdict> {
  const { tenantId, scheduleId, executionId, idempotency, maxUnfinished } = request;
  const [row] = await db.call<VerdictRow<StartVerdict["kind"]>>(RUN, [
    tenantId,
    scheduleId,
    executionId,
    idempotency?.key ?? null,
    idempotency === null ? null : Buffer.from(idempotency.bodyHash),
    maxUnfinished,
  ]);
  return startVerdictOf(row);
}

function startVerdictOf(row: VerdictRow<StartVerdict["kind"]> | undefined): StartVerdict {
  if (row === undefined) throw new Error("PostgreSQL gave no verdict on a start");
  if (row.verdict === "started")
    return { kind: "started", executionId: row.execution_id ?? "", held: row.held ?? false };
  if (row.verdict === "repeat") return { kind: "repeat", executionId: row.execution_id ?? "" };
  return { kind: row.verdict };
}
