import { Execution, ReplayExecution } from "@keelson/contracts";
import { type ExecutionRow, type TenantTx, executionGet, workflowStartTarget } from "@keelson/db";
import { AppError, newId } from "@keelson/service-kit";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { inputErrors } from "../../executions/input-check.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { commitStart } from "../../executions/start-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** A new execution with the same input and trigger. One that had a parent is replayed on its own. */
export const replayExecution = tenantRoute({
  method: "post",
  path: "/v1/executions/:id/replay",
  answers: { 202: Execution },
  doc: {
    operationId: "replayExecution",
    tag: "Executions",
    summary: "Start a new execution with the same input and trigger",
    refusals: ["WORKFLOW_ARCHIVED", "INPUT_INVALID", "TOO_MANY_UNFINISHED"],
    example: { version: "latest" },
    answerHeaders: { 202: ["Location"] },
  },
  scope: "trigger",
  params: IdPath,
  body: ReplayExecution.optional(),
  async handle({ params: { id }, body, caller, deps }) {
    const tenantId = caller.tenant.id;
    const version = body?.version ?? "same";
    const { original, versionId } = await deps.db.withTenant(tenantId, async (tx) => {
      const original = await executionGet(tx, tenantId, id);
      if (original === null) throw new AppError("NOT_FOUND");
      return { original, versionId: await versionIdOf(tx, tenantId, original, version) };
    });
    const { input, trigger, workflowId } = original;
    const errors = inputErrors(await deps.definitions.loadVersion(tenantId, versionId), input);
    if (errors.length > 0) throw new AppError("INPUT_INVALID", { errors });
    const start = { executionId: newId(), versionId, triggerType: trigger.type, trigger, input, replayOf: id };
    const executionId = await commitStart(deps, caller, workflowId, start);
    await auditIntervention(deps, caller, "replayed", id, { as: executionId, version });
    const headers = { location: `/v1/executions/${executionId}` };
    return { status: 202, body: await readExecution(deps, tenantId, executionId), headers };
  },
});

async function versionIdOf(
  tx: TenantTx,
  tenantId: string,
  original: ExecutionRow,
  version: "same" | "latest" | number,
): Promise<string> {
  if (version === "same") return original.versionId;
  const number = version === "latest" ? null : version;
  const target = await workflowStartTarget(tx, tenantId, { id: original.workflowId }, number);
  if (target?.versionId !== null && target?.versionId !== undefined) return target.versionId;
  throw new AppError("NOT_FOUND", { detail: `The workflow has no version ${version}.` });
}
