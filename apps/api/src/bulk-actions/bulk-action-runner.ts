// Carries bulk actions out, whoever's they are. Every process of the service runs this, and they share the work.
//  B1. Some items are locked, their effects and record are one commit: killed at any point, a process has done all or nothing.
//  B2. A refusal has no effect, and is no reason to stop, unless the action says how many are.
//  B3. While PostgreSQL is away items stay open: they are taken again later.
//  B4. An item that cannot be carried out now is tried after all others, and so many times at the most; nor does an action
//      stand in another's way.
//  B5. One after another: each start is counted before the next, and what is told of comes after the commit.

import { DEFAULT_TENANT_LIMITS } from "@keelson/contracts";
import {
  type BulkActionRef,
  type BulkItem,
  type BulkOutcome,
  type BulkTurns,
  bulkActionPutOff,
  bulkActionTurns,
  bulkActionsOpen,
  bulkItemsRecord,
  bulkItemsTake,
  inTransaction,
  isTransient,
} from "@keelson/db";
import { AppError, type Logger, isDatabaseUnreachable } from "@keelson/service-kit";
import type { ApiDeps } from "../deps.ts";
import type { Starter } from "../executions/start-execution.ts";
import { carryOut } from "./carry-out.ts";
import { deferHints } from "./defer-hints.ts";

export interface BulkActionRunner {
  /** A batch of each action that is due. Rejects where PostgreSQL is away. */
  runOnce(): Promise<{ readonly done: number }>;
}

type Deps = Pick<ApiDeps, "db" | "definitions" | "hints" | "stopping"> & { readonly log: Logger };

/** Actions of a run, the longest waiting first. */
const ACTIONS = 20;
/** Items of one action in a run, where it has no pace of its own. */
const BATCH = 200;
/** Items whose effects and record are one commit: more are done in a second, and more are undone by a crash. */
const ITEMS_PER_COMMIT = 10;
/** Of an item, a second or more apart; it has failed then. */
const TRIES = 10;

export function createBulkActionRunner(deps: Deps): BulkActionRunner {
  return {
    async runOnce() {
      let done = 0;
      for (const ref of await bulkActionsOpen(deps.db, ACTIONS)) {
        if (deps.stopping.aborted) break;
        done += await doBatch(deps, ref);
      }
      return { done };
    },
  };
}

/** How many items are done; 0 where it is put off. Rejects where PostgreSQL is away. */
async function doBatch(deps: Deps, ref: BulkActionRef): Promise<number> {
  const given = await bulkActionTurns(deps.db, ref, BATCH);
  if (given === null) return 0;
  try {
    return await useTurns(deps, ref, given);
  } catch (error) {
    const [n, cause] = error instanceof NotNow ? [error.n, error.cause] : [null, error];
    const fields = { tenant_id: ref.tenantId, bulk_action_id: ref.bulkActionId, n, err: cause };
    deps.log.warn(fields, "bulk_action.put_off");
    await bulkActionPutOff(deps.db, ref, n);
    return 0;
  }
}

/** What kept an item from being carried out may have passed the next time. */
class NotNow extends Error {
  readonly n: number;
  constructor(n: number, cause: unknown) {
    super("An item cannot be carried out now", { cause });
    this.n = n;
  }
}

async function useTurns(deps: Deps, ref: BulkActionRef, given: BulkTurns): Promise<number> {
  const left = { turns: given.turns, failures: given.failuresLeft ?? Number.POSITIVE_INFINITY };
  while (left.turns > 0 && left.failures > 0 && !deps.stopping.aborted) {
    const outcomes = await doNext(deps, ref, given, left);
    if (outcomes.length === 0) break;
    left.turns -= outcomes.length;
    left.failures -= outcomes.filter(({ kind }) => kind !== "succeeded").length;
  }
  return given.turns - left.turns;
}

/** Some items in one commit. Empty: nothing is left that nobody has. */
async function doNext(
  deps: Deps,
  ref: BulkActionRef,
  given: BulkTurns,
  left: { readonly turns: number; readonly failures: number },
): Promise<readonly BulkOutcome[]> {
  const deferred = deferHints();
  const outcomes = await inTransaction(deps.db, async (tx) => {
    const outcomes: BulkOutcome[] = [];
    let { failures } = left;
    for (const item of await bulkItemsTake(tx, ref, Math.min(left.turns, ITEMS_PER_COMMIT))) {
      // What failed before is alone in its commit, lest it undo others.
      if (item.tries > 0 && outcomes.length > 0) break;
      const outcome = await tryItem({ ...deps, db: tx, hints: deferred.hints }, ref, given, item);
      outcomes.push(outcome);
      if (outcome.kind !== "succeeded") failures--;
      if (failures <= 0) break;
    }
    if (outcomes.length > 0) await bulkItemsRecord(tx, ref, outcomes);
    return outcomes;
  });
  deferred.sendTo(deps.hints);
  return outcomes;
}

/** A part of the transaction that rolls back alone. Rejects with NotNow where the whole is to be tried again. */
async function tryItem(deps: Deps, ref: BulkActionRef, given: BulkTurns, item: BulkItem): Promise<BulkOutcome> {
  const limits = { ...DEFAULT_TENANT_LIMITS, ...given.limits };
  const starter: Starter = { tenant: { id: ref.tenantId }, limits };
  const { n, targetId, tries } = item;
  try {
    await inTransaction(deps.db, () => carryOut(deps, starter, given, targetId));
    return { n, kind: "succeeded" };
  } catch (error) {
    if (error instanceof AppError && error.status < 500) {
      return { n, kind: "refused", code: error.code, message: error.message };
    }
    const mayPass = error instanceof AppError || isTransient(error) || isDatabaseUnreachable(error);
    if (mayPass && tries + 1 < TRIES) throw new NotNow(n, error);
    const fields = { tenant_id: ref.tenantId, bulk_action_id: ref.bulkActionId, target_id: targetId, err: error };
    deps.log.error(fields, "bulk_action.item_failed");
    const [code, message] = mayPass
      ? ["UNAVAILABLE", `It could not be carried out in ${TRIES} tries; the logs have why.`]
      : ["INTERNAL", "Something went wrong here; the logs have it."];
    return { n, kind: "failed", code, message };
  }
}
