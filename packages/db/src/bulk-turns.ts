// How bulk actions are carried out, by any number of processes at once: turns are given out at the action's pace, and
// items are locked from their taking to the commit of their effects and record.
import type { BulkActionKind, ReplayExecution } from "@keelson/contracts";
import type { Database, HotQuery } from "./database.ts";
import type { TenantLimits } from "./look-ups.ts";

/** Index bulk_actions_open. */
const OPEN: HotQuery = { name: "bulk_actions_open", text: "select * from keelson.bulk_actions_open($1)" };
const TURNS: HotQuery = { name: "bulk_action_turns", text: "select * from keelson.bulk_action_turns($1, $2, $3)" };
const TAKE: HotQuery = { name: "bulk_items_take", text: "select * from keelson.bulk_items_take($1, $2, $3)" };
const PUT_OFF: HotQuery = { name: "bulk_action_put_off", text: "select keelson.bulk_action_put_off($1, $2, $3)" };
const RECORD: HotQuery = { name: "bulk_items_record", text: "select keelson.bulk_items_record($1, $2, $3)" };

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
  /** After so many more that are refused or fail it stops; null: never. */
  readonly failuresLeft: number | null;
  readonly action: BulkActionKind;
  readonly version: NonNullable<ReplayExecution["version"]> | null;
  /** What the tenant's limits differ in from the defaults. */
  readonly limits: TenantLimits;
}

/** Null: not due, or over. */
export async function bulkActionTurns(db: Database, ref: BulkActionRef, batch: number): Promise<BulkTurns | null> {
  type Row = Omit<BulkTurns, "failuresLeft"> & { readonly failures_left: number | null };
  const [row] = await db.call<Row>(TURNS, [ref.tenantId, ref.bulkActionId, batch]);
  if (row === undefined) return null;
  const { failures_left: failuresLeft, ...given } = row;
  return { ...given, failuresLeft };
}

export interface BulkItem {
  readonly n: number;
  /** Of an execution or a delivery. */
  readonly targetId: string;
  /** Earlier ones, which ended neither well nor in a refusal. */
  readonly tries: number;
}

/** Within a transaction: the next items that nobody has, locked until its end. Empty: none is left to take. */
export async function bulkItemsTake(tx: Database, ref: BulkActionRef, limit: number): Promise<BulkItem[]> {
  type Row = Omit<BulkItem, "targetId"> & { readonly target_id: string };
  const rows = await tx.call<Row>(TAKE, [ref.tenantId, ref.bulkActionId, limit]);
  return rows.map(({ target_id: targetId, ...row }) => ({ ...row, targetId }));
}

/** Something kept it from being carried out, or (`n`) this item of it: it goes on in a second, with other items first. */
export async function bulkActionPutOff(db: Database, ref: BulkActionRef, n: number | null): Promise<void> {
  await db.call(PUT_OFF, [ref.tenantId, ref.bulkActionId, n]);
}

export type BulkOutcome =
  | { readonly n: number; readonly kind: "succeeded" }
  | { readonly n: number; readonly kind: "refused" | "failed"; readonly code: string; readonly message: string };

/** Also counts them, and ends the action where it was the last one or one failure too many. */
export async function bulkItemsRecord(
  tx: Database,
  ref: BulkActionRef,
  outcomes: readonly BulkOutcome[],
): Promise<void> {
  await tx.call(RECORD, [ref.tenantId, ref.bulkActionId, JSON.stringify(outcomes)]);
}
