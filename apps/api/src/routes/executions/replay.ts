import { Execution, ReplayExecution } from "@keelson/contracts";
import { traceOf } from "@keelson/service-kit";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { replayExecution } from "../../executions/replay-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** A new execution with the same input and trigger. One that had a parent is replayed on its own. */
export const postReplay = tenantRoute({
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
  async handle({ params: { id }, body, caller, res, deps }) {
    const tenantId = caller.tenant.id;
    const version = body?.version ?? "same";
    const executionId = await replayExecution(deps, { ...caller, trace: traceOf(res) }, id, version);
    await auditIntervention(deps, caller, "replayed", id, { as: executionId, version });
    const headers = { location: `/v1/executions/${executionId}` };
    return { status: 202, body: await readExecution(deps, tenantId, executionId), headers };
  },
});
