// What must hold of the rows and of what the target has seen, once everything has ended.
import { isStepEnded } from "@keelson/contracts";
import { checkEnd } from "../../../core/testing/check-end.ts";
import { check, checkEqual } from "../../../core/testing/invariants.ts";
import { isWaitingSubworkflow } from "../../../core/testing/random-graphs.ts";
import type { ExecutionRow, Tables } from "../memory/tables.ts";
import { isCalm, type Case } from "./cases.ts";
import { modelOf, valueIn } from "./model.ts";
import type { Target } from "./target.ts";

export interface Outcome {
  readonly tables: Tables;
  readonly target: Target;
  /** Roots that were sent a cancel. */
  readonly cancelled: ReadonlySet<string>;
}

export function checkRows(outcome: Outcome, of: Case): void {
  for (const row of outcome.tables.executions.values()) {
    checkHistory(row);
    checkSteps(row);
    checkChildren(outcome.tables, row, of);
    checkEffects(outcome.target, row, of);
    checkAsModel(outcome, row, of);
  }
}

/** I2: one order without a hole, under epochs that never go back. */
function checkHistory({ executionId, batches, seq }: ExecutionRow): void {
  let [last, epoch] = [1, 0];
  for (const batch of batches) {
    checkEqual(batch.firstSeq, last + 1, `The events of ${executionId} (I2)`);
    check(batch.epoch >= epoch, `${executionId} went on under an older epoch (I2)`);
    checkEqual(batch.items.length, batch.lastSeq - batch.firstSeq + 1, `A batch of ${executionId}`);
    ({ lastSeq: last, epoch } = batch);
  }
  checkEqual(seq, last, `The seq of ${executionId}`);
}

/** I3, I4: nothing runs in what has ended, and each attempt is recorded once. */
function checkSteps({ executionId, steps, attempts }: ExecutionRow): void {
  for (const step of steps.values()) {
    check(isStepEnded(step.status), `'${step.id}' of ${executionId}, which has ended, is ${step.status}`);
    const recorded = attempts.filter(({ stepId }) => stepId === step.id).length;
    check(recorded <= step.attempt, `${recorded} attempts of '${step.id}' are recorded, of ${step.attempt} made`);
    const succeeded = attempts.filter(({ stepId, outcome }) => stepId === step.id && outcome === "succeeded").length;
    check(succeeded <= 1, `'${step.id}' of ${executionId} succeeded ${succeeded} times (I4)`);
  }
}

/** A child for each attempt of its step, in its parent's tenant (I7), and none for anybody else. */
function checkChildren(tables: Tables, row: ExecutionRow, of: Case): void {
  const children = [...tables.executions.values()].filter(
    ({ trigger }) => (trigger as { parentExecutionId?: string }).parentExecutionId === row.executionId,
  );
  for (const { tenantId } of children) checkEqual(tenantId, row.tenantId, "A child's tenant (I7)");
  if (row.workflowName !== "root") return checkEqual(children.length, 0, `Children of ${row.executionId}`);
  for (const node of of.root.graph.steps) {
    if (node.type !== "subworkflow") continue;
    const own = children.filter(({ trigger }) => (trigger as { id?: string }).id === node.id).length;
    const made = of.root.fates.get(node.id)?.evaluates === true ? (row.steps.get(node.id)?.attempt ?? 0) : 0;
    checkEqual(own, made, `Children of '${node.id}' of ${row.executionId}`);
  }
}

/** Every request under its step run's one key, no more of them than attempts, and none in doubt where nothing went wrong. */
function checkEffects(target: Target, { executionId, steps, attempts }: ExecutionRow, of: Case): void {
  for (const [key, received] of target.received) {
    const [ofExecution, stepId = "", ...more] = key.split(".");
    if (ofExecution !== executionId) continue;
    checkEqual(more, [], `Another key for the same run of '${stepId}'`);
    const made = steps.get(stepId)?.attempt ?? 0;
    check(received.length <= made, `${received.length} requests under ${key}, of ${made} attempts`);
    check(new Set(received).size === 1, `Other bytes under ${key}`);
  }
  if (!isCalm(of)) return;
  const doubtful = attempts.filter(({ outcome }) => outcome === "in_doubt");
  checkEqual(doubtful, [], `Attempts of ${executionId} in doubt, though nothing went wrong`);
}

/** What was cancelled, or cut short with its parent, has no one end. */
function checkAsModel(outcome: Outcome, row: ExecutionRow, of: Case): void {
  const isRoot = row.workflowName === "root";
  const parent = row.parent === null ? undefined : outcome.tables.executions.get(row.parent.executionId);
  const mayBeCancelled =
    outcome.cancelled.has(row.executionId) || (parent !== undefined && parent.status !== "succeeded");
  if (row.status === "cancelled" && mayBeCancelled) return;
  const workflow = isRoot ? of.root : of.child;
  const model = modelOf(workflow, isRoot ? of.child : null, valueIn(row.input));
  const { status, error } = row;
  const steps = workflow.graph.steps.map(({ id }) => ({
    id,
    status: row.steps.get(id)?.status ?? ("pending" as const),
  }));
  checkEnd(model, { status, error, steps }, (id) => failsAtFirst(workflow.graph.byId.get(id), id, of));
  if (status === "succeeded") checkEqual(valueIn(row.output), model.value, `What ${row.executionId} yields`);
}

function failsAtFirst(node: Parameters<typeof isWaitingSubworkflow>[0] | undefined, id: string, of: Case): boolean {
  if (node === undefined) return false;
  if (isWaitingSubworkflow(node)) return true;
  return [of.root, of.child].some(({ fates }) => (fates.get(id)?.failures ?? 0) > 0);
}
