import { Execution } from "@keelson/contracts";
import { auditWrite, scheduleRun } from "@keelson/db";
import { newId } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { idempotencyOf } from "../../executions/idempotency.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { settleStart } from "../../executions/start-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const runSchedule = tenantRoute({
  method: "post",
  path: "/v1/schedules/:id/run",
  answers: { 202: Execution },
  doc: {
    operationId: "runSchedule",
    tag: "Schedules",
    summary: "Run a schedule now",
    description:
      "Starts an execution with the schedule's input and `trigger.scheduledAt` of this moment, also while the schedule is paused or an earlier one has not ended. Its due times stay as they are. While the workflow is paused it is kept and starts on resume.",
    refusals: ["WORKFLOW_ARCHIVED", "IDEMPOTENCY_MISMATCH", "TOO_MANY_UNFINISHED"],
    example: {},
    requestHeaders: ["Idempotency-Key"],
    answerHeaders: { 202: ["Location"] },
  },
  scope: "trigger",
  params: IdPath,
  async handle({ params: { id }, caller, req, deps }) {
    const tenantId = caller.tenant.id;
    const idempotency = idempotencyOf(req, { schedule: id });
    const maxUnfinished = caller.limits.unfinishedExecutions;
    const request = { tenantId, scheduleId: id, executionId: newId(), idempotency, maxUnfinished };
    const verdict = await scheduleRun(deps.db, request);
    const executionId = settleStart(deps, caller, verdict);
    if (verdict.kind === "started") {
      const record = { actor: actorOf(caller), action: "schedule.run", target: { type: "schedule", id } };
      await deps.db.withTenant(tenantId, (tx) => auditWrite(tx, tenantId, { ...record, details: { executionId } }));
    }
    const headers = { location: `/v1/executions/${executionId}` };
    return { status: 202, body: await readExecution(deps, tenantId, executionId), headers };
  },
});
