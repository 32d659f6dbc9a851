import { type Execution, isEnded } from "@keelson/contracts";
import { executionGet } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { Response } from "express";
import type { ApiDeps } from "../deps.ts";
import { untilGone } from "../http/until-gone.ts";
import { presentExecution } from "./present.ts";

/** The execution as it is answered; refuses with `NOT_FOUND`. */
export async function readExecution(deps: ApiDeps, tenantId: string, id: string): Promise<Execution> {
  const row = await deps.db.withTenant(tenantId, (tx) => executionGet(tx, tenantId, id));
  if (row === null) throw new AppError("NOT_FOUND");
  const { definition } = await deps.definitions.loadVersion(tenantId, row.versionId);
  return presentExecution(row, definition.steps);
}

/**
 * The execution after at most so many seconds of waiting for its end. Answers with what there is when the service begins to
 * stop, or the caller has gone.
 */
export async function awaitExecution(
  { deps, res }: { readonly deps: ApiDeps; readonly res: Response },
  tenantId: string,
  executionId: string,
  waitSeconds: number,
): Promise<Execution> {
  const execution = await readExecution(deps, tenantId, executionId);
  if (isEnded(execution.status) || waitSeconds === 0) return execution;
  const gone = untilGone(res);
  await deps.watcher.until({
    tenantId,
    executionId,
    isThere: (progress) => isEnded(progress.status),
    withinMs: waitSeconds * 1_000,
    signal: AbortSignal.any([gone, deps.stopping]),
  });
  return gone.aborted ? execution : readExecution(deps, tenantId, executionId);
}
