import type { Execution, ExecutionSummary, ExecutionTrigger, StepRun, WorkflowDefinition } from "@keelson/contracts";
import type { ExecutionHead, ExecutionRow, StepRunRow } from "@keelson/db";

/** `steps`: the version's, in their order; those without a row are pending. */
export function presentExecution(row: ExecutionRow, steps: WorkflowDefinition["steps"]): Execution {
  const runs = new Map(row.steps.map((run) => [run.id, run]));
  return {
    ...presentHead(row),
    input: row.input,
    output: row.output,
    steps: steps.map((step) => presentStep(step, runs.get(step.id))),
  };
}

/** `stepCount`: of its version; an execution that nothing has happened to yet has them all pending. */
export function presentSummary(row: ExecutionHead, stepCount: number): ExecutionSummary {
  const { startedAt, finishedAt, summary } = row;
  return {
    ...presentHead(row),
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt.getTime() - startedAt.getTime(),
    progress: summary?.progress ?? { pending: stepCount },
    current: [...(summary?.current ?? [])],
    retrying: summary?.retrying ?? null,
  };
}

export function presentStep(step: WorkflowDefinition["steps"][number], run: StepRunRow | undefined): StepRun {
  const { id, type } = step;
  if (run === undefined) {
    return { id, type, status: "pending", attempts: 0, ...NOTHING_YET };
  }
  const { status, attempts, input, output, error, startedAt, finishedAt, wait, dueAt, childId } = run;
  return {
    id,
    type,
    status,
    attempts,
    input,
    output,
    error,
    startedAt,
    finishedAt,
    ...(wait === "backoff" && dueAt !== null ? { nextAttemptAt: dueAt } : {}),
    ...(childId === null ? {} : { childExecutionId: childId }),
  };
}

const NOTHING_YET = { input: null, output: null, error: null, startedAt: null, finishedAt: null };

function presentHead(row: ExecutionHead) {
  const { id, workflow, workflowId, version, status, trigger, error, parentId, parentStep, replayOf } = row;
  return {
    id,
    workflow,
    workflowId,
    version,
    status,
    trigger: presentTrigger(trigger),
    error,
    ...(parentId === null || parentStep === null ? {} : { parent: { executionId: parentId, stepId: parentStep } }),
    ...(replayOf === null ? {} : { replayOf }),
    labels: { ...row.labels },
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
    deadlineAt: row.deadlineAt?.toISOString() ?? null,
    lastSeq: row.seq,
  };
}

/** What a webhook brought along is for its templates, and stands in its delivery. */
function presentTrigger(trigger: ExecutionHead["trigger"]): ExecutionTrigger {
  const { type, id, deliveryId, scheduledAt, lastSuccessAt, parentExecutionId } = trigger;
  return {
    type,
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof deliveryId === "string" ? { deliveryId } : {}),
    ...(typeof scheduledAt === "string" ? { scheduledAt } : {}),
    ...(typeof lastSuccessAt === "string" || lastSuccessAt === null ? { lastSuccessAt } : {}),
    ...(typeof parentExecutionId === "string" ? { parentExecutionId } : {}),
  };
}
