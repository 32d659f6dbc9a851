import { Execution } from "@keelson/contracts";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { cancelExecution } from "../../executions/cancel-execution.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** Its holder, or whoever claims it next, aborts what runs and ends it; also one that is queued or held. */
export const postCancel = tenantRoute({
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
    await cancelExecution(deps, tenantId, id);
    await auditIntervention(deps, caller, "cancelled", id);
    return { status: 202, body: await readExecution(deps, tenantId, id) };
  },
});
