// The sweep: whatever no hint has reached is found here, so that none is ever stuck (I5). Every scheduler runs it, and
// every worker while Redis does not answer. What it finds is handed on; what comes of that is not its concern.
import { failPoint } from "@keelson/contracts";
import type { ExecutionRef } from "./ports.ts";

/** Executions that one sweep hands on at the most, of each kind. */
const MAX_FOUND = 500;

export interface SweepStore {
  /** Free and due, and not hinted in the last seconds. */
  sweepDue(limit: number): Promise<ExecutionRef[]>;
  /** Free, with mail older than a second. */
  sweepInbox(limit: number): Promise<ExecutionRef[]>;
  /** Frees what dead workers held. */
  reap(limit: number): Promise<ExecutionRef[]>;
  /** Deletes mail that nobody will read any more. */
  clearInbox(limit: number): Promise<number>;
  /** Declares workers dead whose silence was seen twice; the number of them. */
  buryTheSilent(): Promise<number>;
}

/** Told of the executions that somebody should claim now. */
export type Found = (refs: readonly ExecutionRef[]) => void;

/** Frees what the dead held. Cheap, and to be run several times a second: how soon it is seen is how soon it goes on. */
export async function reapOnce(
  store: SweepStore,
  found: Found,
): Promise<{ readonly buried: number; readonly reaped: number }> {
  const buried = await store.buryTheSilent();
  const reaped = await store.reap(MAX_FOUND);
  if (reaped.length > 0) failPoint("sweep.lost.freed");
  if (reaped.length > 0) found(reaped);
  return { buried, reaped: reaped.length };
}

/** Finds what is due or has mail and is free. To be run every second. Rejects where PostgreSQL cannot be reached. */
export async function sweepOnce(
  store: SweepStore,
  found: Found,
): Promise<{ readonly due: number; readonly mail: number }> {
  const due = await store.sweepDue(MAX_FOUND);
  if (due.length > 0) failPoint("sweep.due.found");
  const mail = await store.sweepInbox(MAX_FOUND);
  for (const refs of [due, mail]) if (refs.length > 0) found(refs);
  await store.clearInbox(MAX_FOUND);
  return { due: due.length, mail: mail.length };
}
