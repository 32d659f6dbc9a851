// How bulk actions are carried out, by any number of processes at once: turns are given out at the action's pace, and an
// item is locked from its taking to the commit of its effect and record.
import type { BulkActionKind, ReplayExecution } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";
import type { TenantLimits } from "./look-ups.ts";

/** Index bulk_actions_open. */
const OPEN: HotQuery = { name: "bulk_actions_open", text: "select * from keelson.bulk_actions_open($1)" };
const TURNS: HotQuery = { name: "bulk_action_turns", text: "select * from keelson.bulk_action_turns($1, $2, $3)" };
const TAKE: HotQuery = { name: "bulk_item_take", text: "select * from keelson.bulk_item_take($1, $2)" };
const RECORD: HotQuery = {
  name: "bulk_item_record",
  text: "select keelson.bulk_item_record($1, $2, $3, $4, $5, $6) as recorded",
};

export interface BulkActionRef {
  readonly tenantId: string;
  readonly bulkActionId: string;
}

/** Those of all tenants that have something to do now, the longest waiting first. */
export async function bulkActionsOpen(db: Database, limit: number): Promise<BulkActionRef[]> {
  const rows = await db.call<{ tenant_id: string; id: string }>(OPEN, [limit]);
  return rows.map((row) => ({ tenantId: row.tenant_id, bulkActionId: row.id }));
}

export interface BulkTurns {
  /** How many items the caller may do now. */
  readonly turns: number;
  readonly action: BulkActionKind;
  readonly version: NonNullable<ReplayExecution["version"]> | null;
  /** What the tenant's limits differ in from the defaults. */
  readonly limits: TenantLimits;
}

/** Null: not due, or over. */
export async function bulkActionTurns(db: Database, ref: BulkActionRef, batch: number): Promise<BulkTurns | null> {
  const [row] = await db.call<BulkTurns>(TURNS, [ref.tenantId, ref.bulkActionId, batch]);
  return row ?? null;
}

export interface BulkItem {
  readonly n: number;
  /** Of an execution or a delivery. */
  readonly targetId: string;
}

/** Within a transaction: the next item that nobody has, locked until its end. Null: none is left to take. */
export async function bulkItemTake(tx: Database, ref: BulkActionRef): Promise<BulkItem | null> {
  const [row] = await tx.call<{ n: number; target_id: string }>(TAKE, [ref.tenantId, ref.bulkActionId]);
  return row === undefined ? null : { n: row.n, targetId: row.target_id };
}

export type BulkOutcome =
  | { readonly kind: "succeeded" }
  | { readonly kind: "refused" | "failed"; readonly code: string; readonly message: string };

/** Also counts it, and ends the action where it was the last one or one failure too many. False: recorded already. */
export async function bulkItemRecord(
  db: Database,
  ref: BulkActionRef,
  n: number,
  outcome: BulkOutcome,
): Promise<boolean> {
  const [code, message] = outcome.kind === "succeeded" ? [null, null] : [outcome.code, outcome.message];
  const values = [ref.tenantId, ref.bulkActionId, n, outcome.kind, code, message];
  const [row] = await db.call<{ recorded: boolean }>(RECORD, values);
  return row?.recorded ?? false;
}
