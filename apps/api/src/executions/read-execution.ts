import { type Execution, isEnded } from "@keelson/contracts";
import { executionGet } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { Response } from "express";
import type { ApiDeps } from "../deps.ts";
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
  id: string,
  waitSeconds: number,
): Promise<Execution> {
  const execution = await readExecution(deps, tenantId, id);
  if (isEnded(execution.status) || waitSeconds === 0) return execution;
  const gone = new AbortController();
  const onClose = () => gone.abort();
  res.once("close", onClose);
  await deps.ends.untilEnd(tenantId, id, waitSeconds * 1_000, AbortSignal.any([gone.signal, deps.stopping]));
  res.removeListener("close", onClose);
  return gone.signal.aborted ? execution : readExecution(deps, tenantId, id);
}
