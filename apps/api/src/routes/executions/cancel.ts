import { Execution } from "@keelson/contracts";
import { executionNotify } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** Its holder, or whoever claims it next, aborts what runs and ends it; also one that is queued or held. */
export const cancelExecution = tenantRoute({
  method: "post",
  path: "/v1/executions/:id/cancel",
  answers: { 202: Execution },
  doc: {
    operationId: "cancelExecution",
    tag: "Executions",
    summary: "Cancel an execution",
    description: "Running attempts are aborted, children it waits for are cancelled. Also one that is queued or held.",
    refusals: ["EXECUTION_ENDED"],
  },
  scope: "trigger",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const verdict = await executionNotify(deps.db, tenantId, id, { kind: "cancel" });
    if (verdict === "unknown") throw new AppError("NOT_FOUND");
    if (verdict === "ended") throw new AppError("EXECUTION_ENDED");
    const ref = { tenantId, executionId: id };
    deps.hints.mail(ref);
    deps.hints.wake(ref, 0);
    await auditIntervention(deps, caller, "cancelled", id);
    return { status: 202, body: await readExecution(deps, tenantId, id) };
  },
});
