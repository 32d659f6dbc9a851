import { type Attempt, StepDetail, StepId } from "@keelson/contracts";
import { type AttemptRow, attemptList, executionGet } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { z } from "zod";
import { presentStep } from "../../executions/present.ts";
import { tenantRoute } from "../../http/route.ts";
import { IdPath } from "../../http/path.ts";

export const StepPath = z.object({ ...IdPath.shape, stepId: StepId });

export const getStep = tenantRoute({
  method: "get",
  path: "/v1/executions/:id/steps/:stepId",
  answers: { 200: StepDetail },
  doc: {
    operationId: "getStep",
    tag: "Executions",
    summary: "Read a step with its attempts",
    refusals: [],
  },
  scope: "read",
  params: StepPath,
  async handle({ params: { id, stepId }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const found = await deps.db.withTenant(tenantId, async (tx) => {
      const row = await executionGet(tx, tenantId, id);
      return row === null ? null : { row, attempts: await attemptList(tx, tenantId, id, stepId) };
    });
    if (found === null) throw new AppError("NOT_FOUND");
    const { definition } = await deps.definitions.loadVersion(tenantId, found.row.versionId);
    const step = definition.steps.find((one) => one.id === stepId);
    if (step === undefined) throw new AppError("NOT_FOUND");
    const run = found.row.steps.find((one) => one.id === stepId);
    const sends = step.type === "http";
    const attempts = found.attempts.map((attempt) => presentAttempt(attempt, sends));
    const body: StepDetail = { ...presentStep(step, run), attempts };
    return { status: 200, body };
  },
});

/** `sends`: its attempts are requests, whose sending is committed before it begins. */
function presentAttempt(row: AttemptRow, sends: boolean): Attempt {
  const { n, run, startedAt, finishedAt, outcome, error, nextAttemptAt, idempotencyKey, request, response } = row;
  return {
    n,
    run,
    startedAt: startedAt.toISOString(),
    sentAt: sends ? startedAt.toISOString() : null,
    finishedAt: finishedAt?.toISOString() ?? null,
    outcome,
    error,
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    idempotencyKey,
    request,
    response,
  };
}
