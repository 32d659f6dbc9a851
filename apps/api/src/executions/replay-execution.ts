import { type ExecutionRow, type TenantTx, executionGet, workflowStartTarget } from "@keelson/db";
import { AppError, newId } from "@keelson/service-kit";
import type { InterventionDeps } from "../deps.ts";
import { inputErrors } from "./input-check.ts";
import { type Starter, commitStart } from "./start-execution.ts";

export type ReplayVersion = "same" | "latest" | number;

/**
 * A new execution with the same input and trigger: its id. One that had a parent is replayed on its own. Refuses with
 * `NOT_FOUND`, `INPUT_INVALID` and what a start refuses with.
 */
export async function replayExecution(
  deps: InterventionDeps,
  starter: Starter,
  id: string,
  version: ReplayVersion,
): Promise<string> {
  const tenantId = starter.tenant.id;
  const { original, versionId } = await deps.db.withTenant(tenantId, async (tx) => {
    const original = await executionGet(tx, tenantId, id);
    if (original === null) throw new AppError("NOT_FOUND");
    return { original, versionId: await versionIdOf(tx, tenantId, original, version) };
  });
  const { input, trigger, workflowId } = original;
  const errors = inputErrors(await deps.definitions.loadVersion(tenantId, versionId), input);
  if (errors.length > 0) throw new AppError("INPUT_INVALID", { errors });
  const start = { executionId: newId(), versionId, triggerType: trigger.type, trigger, input, replayOf: id };
  return commitStart(deps, starter, workflowId, start);
}

async function versionIdOf(
  tx: TenantTx,
  tenantId: string,
  original: ExecutionRow,
  version: ReplayVersion,
): Promise<string> {
  if (version === "same") return original.versionId;
  const number = version === "latest" ? null : version;
  const target = await workflowStartTarget(tx, tenantId, { id: original.workflowId }, number);
  if (target?.versionId !== null && target?.versionId !== undefined) return target.versionId;
  throw new AppError("NOT_FOUND", { detail: `The workflow has no version ${version}.` });
}
