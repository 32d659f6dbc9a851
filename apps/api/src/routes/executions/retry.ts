import { Execution, RetryExecution } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { type ReopenVerdict, reopenExecution } from "../../executions/reopen-execution.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const retryExecution = tenantRoute({
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
    const verdict = await reopenExecution(deps, tenantId, id, from);
    if (verdict.kind !== "reopened") throw refusalOf(verdict, from);
    for (const executionId of verdict.due) deps.hints.wake({ tenantId, executionId }, 0);
    await auditIntervention(deps, caller, "retried", id, { from });
    return { status: 202, body: await readExecution(deps, tenantId, id) };
  },
});

function refusalOf(verdict: Exclude<ReopenVerdict, { kind: "reopened" }>, from: string | null): AppError {
  switch (verdict.kind) {
    case "unknown":
      return new AppError("NOT_FOUND");
    case "notEnded":
      return new AppError("EXECUTION_NOT_ENDED");
    case "childNotEnded":
      return new AppError("EXECUTION_NOT_ENDED", {
        detail: `Its child execution ${verdict.childId} has not ended yet: try again when it has.`,
      });
    case "nothing":
      return new AppError("NOTHING_TO_RETRY");
    case "unknownStep":
      return new AppError("INVALID_REQUEST", {
        errors: [{ path: "/from", code: "UNKNOWN_STEP", message: `the execution's version has no step "${from}"` }],
      });
  }
}
