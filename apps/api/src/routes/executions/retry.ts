import { Execution, RetryExecution } from "@keelson/contracts";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { retryExecution } from "../../executions/retry-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const postRetry = tenantRoute({
  method: "post",
  path: "/v1/executions/:id/retry",
  answers: { 202: Execution },
  doc: {
    operationId: "retryExecution",
    tag: "Executions",
    summary: "Let a failed or cancelled execution go on",
    description:
      "In its own version: steps that failed unhandled or were cancelled run anew with all downstream of them, all else is kept. Attempts, `maxElapsed` and `timeout` count anew.",
    refusals: ["EXECUTION_NOT_ENDED", "NOTHING_TO_RETRY"],
    example: { from: "charge" },
  },
  scope: "trigger",
  params: IdPath,
  body: RetryExecution.optional(),
  async handle({ params: { id }, body, caller, deps }) {
    const tenantId = caller.tenant.id;
    const from = body?.from ?? null;
    await retryExecution(deps, tenantId, id, from);
    await auditIntervention(deps, caller, "retried", id, { from });
    return { status: 202, body: await readExecution(deps, tenantId, id) };
  },
});
