// Carries bulk actions out, whoever's they are. Every process of the service runs this, and they share the work.
//  B1. An item is locked, its effect and its record are one commit: killed at any point, a process has done all or nothing.
//  B2. A refusal has no effect, is recorded by itself, and is no reason to stop, unless the action says how many are.
//  B3. While PostgreSQL is away an item stays open: it is taken again later.

import { DEFAULT_TENANT_LIMITS } from "@keelson/contracts";
import {
  type BulkActionRef,
  type BulkItem,
  type BulkOutcome,
  type BulkTurns,
  bulkActionTurns,
  bulkActionsOpen,
  bulkItemRecord,
  bulkItemTake,
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
/** Items at once. Each holds a connection and may want another to read with: less than half of the pool. */
const CONCURRENCY = 4;
/** Starts come one after another, each of which sees those before it in the count of what is unfinished. */
const ONE_BY_ONE: ReadonlySet<BulkTurns["action"]> = new Set(["replay", "redeliver"]);

export function createBulkActionRunner(deps: Deps): BulkActionRunner {
  return {
    async runOnce() {
      let done = 0;
      for (const ref of await bulkActionsOpen(deps.db, ACTIONS)) {
        if (deps.stopping.aborted) break;
        const given = await bulkActionTurns(deps.db, ref, BATCH);
        if (given !== null) done += await useTurns(deps, ref, given);
      }
      return { done };
    },
  };
}

async function useTurns(deps: Deps, ref: BulkActionRef, given: BulkTurns): Promise<number> {
  let { turns } = given;
  let done = 0;
  const drive = async () => {
    while (turns > 0 && !deps.stopping.aborted) {
      turns--;
      if (!(await doNext(deps, ref, given))) return;
      done++;
    }
  };
  const atOnce = ONE_BY_ONE.has(given.action) ? 1 : Math.min(CONCURRENCY, turns);
  const drives = await Promise.allSettled(Array.from({ length: atOnce }, drive));
  for (const drive of drives) if (drive.status === "rejected") throw drive.reason;
  return done;
}

/** False: nothing is left that nobody has. */
async function doNext(deps: Deps, ref: BulkActionRef, given: BulkTurns): Promise<boolean> {
  const limits = { ...DEFAULT_TENANT_LIMITS, ...given.limits };
  const starter: Starter = { tenant: { id: ref.tenantId }, limits };
  const deferred = deferHints();
  const taken: { item: BulkItem | null } = { item: null };
  try {
    await inTransaction(deps.db, async (tx) => {
      const item = await bulkItemTake(tx, ref);
      if (item === null) return;
      taken.item = item;
      await carryOut({ ...deps, db: tx, hints: deferred.hints }, starter, given, item.targetId);
      await bulkItemRecord(tx, ref, item.n, { kind: "succeeded" });
    });
  } catch (error) {
    await recordFailure(deps, ref, taken.item, error);
    return true;
  }
  deferred.sendTo(deps.hints);
  return taken.item !== null;
}

async function recordFailure(deps: Deps, ref: BulkActionRef, item: BulkItem | null, error: unknown): Promise<void> {
  const outcome = outcomeOf(error);
  if (item === null || outcome === null) throw error;
  if (outcome.kind === "failed") {
    const fields = { tenant_id: ref.tenantId, bulk_action_id: ref.bulkActionId, target_id: item.targetId, err: error };
    deps.log.error(fields, "bulk_action.item_failed");
  }
  await bulkItemRecord(deps.db, ref, item.n, outcome);
}

/** Null: the item is tried again. */
function outcomeOf(error: unknown): BulkOutcome | null {
  if (error instanceof AppError) {
    return error.status < 500 ? { kind: "refused", code: error.code, message: error.message } : null;
  }
  if (isTransient(error) || isDatabaseUnreachable(error)) return null;
  return { kind: "failed", code: "INTERNAL", message: "Something went wrong here; the logs have it." };
}
