import { Execution } from "@keelson/contracts";
import { executionGet, executionNotify } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { auditIntervention } from "../../executions/audit-intervention.ts";
import { readExecution } from "../../executions/read-execution.ts";
import { tenantRoute } from "../../http/route.ts";
import { StepPath } from "./step.ts";

/** A step in backoff or delay is due now. */
export const wakeStep = tenantRoute({
  method: "post",
  path: "/v1/executions/:id/steps/:stepId/wake",
  answers: { 202: Execution },
  doc: {
    operationId: "wakeStep",
    tag: "Executions",
    summary: "Make a delay or a backoff due now",
    refusals: ["EXECUTION_ENDED", "STEP_NOT_WAITING"],
  },
  scope: "trigger",
  params: StepPath,
  async handle({ params: { id, stepId }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const row = await deps.db.withTenant(tenantId, (tx) => executionGet(tx, tenantId, id));
    if (row === null) throw new AppError("NOT_FOUND");
    const { graph } = await deps.definitions.loadVersion(tenantId, row.versionId);
    if (!graph.byId.has(stepId)) throw new AppError("NOT_FOUND");
    if (row.finishedAt !== null) throw new AppError("EXECUTION_ENDED");
    const wait = row.steps.find((step) => step.id === stepId)?.wait;
    if (wait !== "delay" && wait !== "backoff") throw new AppError("STEP_NOT_WAITING");
    const verdict = await executionNotify(deps.db, tenantId, id, { kind: "wake", stepId });
    if (verdict === "unknown") throw new AppError("NOT_FOUND");
    if (verdict === "ended") throw new AppError("EXECUTION_ENDED");
    const ref = { tenantId, executionId: id };
    deps.hints.mail(ref);
    deps.hints.wake(ref, 0);
    await auditIntervention(deps, caller, "woken", id, { stepId });
    return { status: 202, body: await readExecution(deps, tenantId, id) };
  },
});
