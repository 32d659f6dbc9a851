import { Execution, isEnded, type Json, StartExecution, WaitQuery } from "@keelson/contracts";
import {
  type ExecutionStart,
  type StartKey,
  type StartTarget,
  idempotencyKeyFind,
  workflowStartTarget,
} from "@keelson/db";
import { AppError, newId, traceOf } from "@keelson/service-kit";
import type { ApiDeps } from "../../deps.ts";
import { inputErrors } from "../../executions/input-check.ts";
import { idempotencyOf } from "../../executions/idempotency.ts";
import { commitStart } from "../../executions/start-execution.ts";
import { awaitExecution } from "../../executions/read-execution.ts";
import { WorkflowPath, workflowKey } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** An input may be as large as a webhook's body. */
const MAX_BODY_BYTES = 1024 * 1024 + 1024;

export const startExecution = tenantRoute({
  method: "post",
  path: "/v1/workflows/:ref/executions",
  answers: { 200: Execution, 202: Execution },
  doc: {
    operationId: "startExecution",
    tag: "Executions",
    summary: "Start an execution",
    description:
      "202 once it is committed. With `wait`, 200 with the ended execution if it ends in time. A refused request uses up no `Idempotency-Key`.",
    refusals: ["WORKFLOW_ARCHIVED", "INPUT_INVALID", "IDEMPOTENCY_MISMATCH", "TOO_MANY_UNFINISHED"],
    example: { input: { orderId: 42, amount: 120 } },
    requestHeaders: ["Idempotency-Key"],
    answerHeaders: { 200: ["Location"], 202: ["Location"] },
  },
  scope: "trigger",
  params: WorkflowPath,
  query: WaitQuery,
  body: StartExecution.optional(),
  maxBodyBytes: MAX_BODY_BYTES,
  async handle(call) {
    const { params, query, body, caller, req, res, deps } = call;
    const tenantId = caller.tenant.id;
    const { input = null, version = null } = body ?? {};
    const idempotency = idempotencyOf(req, { input, version });
    const target = await deps.db.withTenant(tenantId, (tx) =>
      workflowStartTarget(tx, tenantId, workflowKey(params.ref), version),
    );
    if (target === null) throw new AppError("NOT_FOUND");
    const refusal = await refusalOf(deps, tenantId, target, input);
    const id =
      refusal === null
        ? await commitStart(
            deps,
            { ...caller, trace: traceOf(res) },
            target.workflowId,
            startOf(target, input),
            idempotency,
          )
        : await firstExecution(deps, tenantId, target, idempotency, refusal);
    const execution = await awaitExecution(call, tenantId, id, query.wait ?? 0);
    const hasWaited = query.wait !== undefined && isEnded(execution.status);
    return { status: hasWaited ? 200 : 202, body: execution, headers: { location: `/v1/executions/${id}` } };
  },
});

/** Why this must not start, as far as the version says; PostgreSQL judges the rest. */
async function refusalOf(deps: ApiDeps, tenantId: string, target: StartTarget, input: Json): Promise<AppError | null> {
  if (target.versionId === null) return new AppError("NOT_FOUND", { detail: "The workflow has no such version." });
  const workflow = await deps.definitions.loadVersion(tenantId, target.versionId);
  const errors = inputErrors(workflow, input);
  return errors.length > 0 ? new AppError("INPUT_INVALID", { errors }) : null;
}

function startOf({ versionId }: StartTarget, input: Json): ExecutionStart {
  return { executionId: newId(), versionId: versionId ?? "", triggerType: "api", trigger: { type: "api" }, input };
}

/** A repeat returns the first execution, though by now the same request would be refused. */
async function firstExecution(
  deps: ApiDeps,
  tenantId: string,
  { workflowId }: StartTarget,
  idempotency: StartKey | null,
  refusal: AppError,
): Promise<string> {
  if (idempotency === null) throw refusal;
  const used = await deps.db.withTenant(tenantId, (tx) =>
    idempotencyKeyFind(tx, tenantId, workflowId, idempotency.key),
  );
  if (used === null) throw refusal;
  if (Buffer.from(used.bodyHash).equals(idempotency.bodyHash)) return used.executionId;
  throw new AppError("IDEMPOTENCY_MISMATCH");
}
