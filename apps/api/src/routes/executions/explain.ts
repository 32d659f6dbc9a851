import { Explanation, type StepReason } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import { executionRead } from "@keelson/db";
import { type ExecutionState, type StepState, initialState, judgeJoin, pendingStep } from "@keelson/engine";
import { AppError } from "@keelson/service-kit";
import { explainReason } from "../../executions/explain-reason.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** For each step, in the version's order, why it stands where it stands. */
export const explainExecution = tenantRoute({
  method: "get",
  path: "/v1/executions/:id/explain",
  answers: { 200: Explanation },
  doc: {
    operationId: "explainExecution",
    tag: "Executions",
    summary: "Say of each step why it stands where it stands",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const execution = await executionRead(deps.db, tenantId, id);
    if (execution === null) throw new AppError("NOT_FOUND");
    const workflow = await deps.definitions.loadVersion(tenantId, execution.versionId);
    const state = initialState(execution, workflow);
    const steps = [...state.steps.values()].map((step) => ({
      id: step.id,
      status: step.status,
      reason: reasonOf(step, state, workflow),
    }));
    const body: Explanation = { executionId: id, steps };
    return { status: 200, body };
  },
});

function reasonOf(step: StepState, state: ExecutionState, workflow: CompiledWorkflow): StepReason {
  if (step.reason !== null) {
    const reason = explainReason(step.reason, step.status !== "waiting");
    if (step.branch === null) return reason;
    const text = `${reason.text} It took the branch "${step.branch}".`;
    return { ...reason, text, values: { ...reason.values, branch: step.branch } };
  }
  if (state.status === "queued") return notBegun(state.held);
  const node = workflow.graph.byId.get(step.id);
  if (node === undefined) return notBegun(false);
  const verdict = judgeJoin(
    node,
    (id) => state.steps.get(id) ?? pendingStep(id),
    (id) => workflow.graph.byId.get(id)?.onError ?? "fail",
  );
  return explainReason(verdict.reason);
}

function notBegun(held: boolean): StepReason {
  return held
    ? { code: "HELD", text: "The execution is held, since its workflow is paused.", values: {} }
    : { code: "QUEUED", text: "The execution waits for a worker.", values: {} };
}
