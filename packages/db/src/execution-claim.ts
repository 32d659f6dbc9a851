// Claims: takes leases, and reads what the engine folds. The one place that sees these rows raw.
import type { Json, StepError, TraceContext } from "@keelson/contracts";
import type { ClaimAnswer, ClaimedExecution, ExecutionRef, InboxItem, Reason, StepState } from "@keelson/engine";
import type { Database, HotQuery } from "./database.ts";

/** Leases of one tenant's executions. Primary key; inbox by execution. */
const CLAIM: HotQuery = { name: "execution_claim", text: "select * from keelson.execution_claim($1, $2, $3)" };
const READ: HotQuery = { name: "execution_read", text: "select * from keelson.execution_read($1, $2)" };

interface StepRow {
  readonly id: string;
  readonly status: StepState["status"];
  readonly iter: number;
  readonly keyIter: number;
  readonly attempt: number;
  readonly failures: number;
  readonly wait: StepState["wait"];
  readonly dueAt: number | null;
  readonly branch: string | null;
  readonly input: Json | null;
  readonly hasOutput: boolean;
  readonly inline: boolean | null;
  readonly output: Json | null;
  readonly error: StepError | null;
  readonly inDoubt: boolean;
  readonly childId: string | null;
  readonly startedAt: number | null;
  readonly sentAt: number | null;
  readonly finishedAt: number | null;
  readonly reason: Reason | null;
}

interface ExecutionRow {
  readonly execution_id: string;
  readonly workflow_id: string;
  readonly workflow_name: string;
  readonly version_id: string;
  readonly version: number;
  readonly epoch: number;
  readonly seq: number;
  readonly gen: number;
  readonly losses: number;
  readonly status: ClaimedExecution["status"];
  readonly held: boolean;
  readonly failing: StepError | null;
  readonly trigger: Json;
  readonly input: Json;
  readonly labels: { readonly [name: string]: string } | null;
  readonly parent_id: string | null;
  readonly parent_step: string | null;
  readonly parent_gen: number | null;
  readonly nesting: number;
  readonly quiet_failure: boolean;
  readonly trace: TraceContext | null;
  readonly now_ms: number;
  readonly started_ms: number | null;
  readonly deadline_ms: number | null;
  readonly output: Json | null;
  readonly error: StepError | null;
  readonly steps: readonly StepRow[] | null;
  readonly inbox: readonly InboxItem[] | null;
  readonly in_ms: number | null;
}

/** Takes the leases of those of one tenant that are free and due, have mail, or are past their deadline. */
export async function executionClaim(
  db: Database,
  workerId: string,
  tenantId: string,
  executionIds: readonly string[],
): Promise<ClaimAnswer[]> {
  const rows = await db.call<ExecutionRow>(CLAIM, [tenantId, workerId, executionIds]);
  const found = new Map(rows.map((row) => [row.execution_id, row]));
  return executionIds.map((executionId) => {
    const ref: ExecutionRef = { tenantId, executionId };
    const row = found.get(executionId);
    if (row === undefined) return { kind: "none", ref };
    if (row.in_ms !== null) return { kind: "tooEarly", ref, inMs: row.in_ms };
    return { kind: "claimed", execution: claimed(tenantId, row) };
  });
}

/** An execution as it stands, without a lease; ended ones too. Null: the tenant has none such. */
export async function executionRead(
  db: Database,
  tenantId: string,
  executionId: string,
): Promise<(ClaimedExecution & { readonly output: Json | null; readonly error: StepError | null }) | null> {
  const [row] = await db.call<ExecutionRow>(READ, [tenantId, [executionId]]);
  return row === undefined ? null : { ...claimed(tenantId, row), output: row.output, error: row.error };
}

function claimed(tenantId: string, row: ExecutionRow): ClaimedExecution {
  const { parent_id: parentId, parent_step: stepId, parent_gen: gen } = row;
  return {
    tenantId,
    executionId: row.execution_id,
    workflowId: row.workflow_id,
    workflowName: row.workflow_name,
    versionId: row.version_id,
    version: row.version,
    epoch: row.epoch,
    seq: row.seq,
    gen: row.gen,
    losses: row.losses,
    status: row.status,
    held: row.held,
    failing: row.failing,
    trigger: row.trigger,
    input: row.input,
    labels: row.labels,
    parent: parentId === null || stepId === null || gen === null ? null : { executionId: parentId, stepId, gen },
    nesting: row.nesting,
    quietFailure: row.quiet_failure,
    trace: row.trace,
    nowAt: row.now_ms,
    startedAt: row.started_ms ?? row.now_ms,
    deadlineAt: row.deadline_ms,
    steps: (row.steps ?? []).map(stepState),
    inbox: row.inbox ?? [],
  };
}

function stepState({ hasOutput, inline, output, ...step }: StepRow): StepState {
  if (!hasOutput) return { ...step, output: { kind: "none" } };
  return { ...step, output: inline === true ? { kind: "value", value: output } : { kind: "stored" } };
}
