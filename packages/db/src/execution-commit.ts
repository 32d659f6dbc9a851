// Commits: hands 1 … 64 executions' transitions of one tenant to PostgreSQL in one call, with a verdict for each.
import { isEnded, type Json } from "@keelson/contracts";
import type { CommitItem, CommitVerdict, StepState } from "@keelson/engine";
import type { Database, HotQuery } from "./database.ts";

const COMMIT: HotQuery = {
  name: "execution_commit",
  text: "select * from keelson.execution_commit($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
const OUTCOME: HotQuery = {
  name: "execution_commit_outcome",
  text: "select * from keelson.execution_commit_outcome($1, $2, $3)",
};

interface VerdictRow {
  readonly execution_id: string;
  readonly applied: boolean;
  readonly released: boolean;
  readonly mail: boolean;
}

/** Commits items of one tenant, at most one for each execution; all are written, or those that were fenced are not. */
export async function executionCommit(
  db: Database,
  workerId: string,
  tenantId: string,
  items: readonly CommitItem[],
): Promise<CommitVerdict[]> {
  const rows = await db.call<VerdictRow>(COMMIT, [
    tenantId,
    workerId,
    JSON.stringify(items.map(itemRow)),
    JSON.stringify(items.map(batchRow)),
    jsonOrNull(items.flatMap((item) => item.steps.map((step) => stepRow(step, item)))),
    jsonOrNull(
      items.flatMap((item) => item.attempts.map((attempt) => ({ executionId: item.executionId, ...attempt }))),
    ),
    jsonOrNull(items.flatMap(childRows)),
    jsonOrNull(items.flatMap(mailRows)),
    items.flatMap((item) => item.eaten),
  ]);
  return verdicts(items, rows);
}

/** What became of a commit whose answer was lost (T6). */
export async function executionCommitOutcome(
  db: Database,
  workerId: string,
  tenantId: string,
  items: readonly CommitItem[],
): Promise<CommitVerdict[]> {
  const asked = items.map(({ executionId, epoch, seq }) => ({ executionId, epoch, seq }));
  return verdicts(items, await db.call<VerdictRow>(OUTCOME, [tenantId, workerId, JSON.stringify(asked)]));
}

function verdicts(items: readonly CommitItem[], rows: readonly VerdictRow[]): CommitVerdict[] {
  const found = new Map(rows.map((row) => [row.execution_id, row]));
  return items.map((item) => {
    const row = found.get(item.executionId);
    if (row === undefined || !row.applied) return { kind: "fenced" };
    return { kind: "applied", released: row.released, mail: row.mail };
  });
}

function itemRow(item: CommitItem) {
  return {
    executionId: item.executionId,
    epoch: item.epoch,
    seq: item.seq,
    lastSeq: item.seq + item.events.length,
    status: item.status,
    failing: isEnded(item.status) ? null : item.failing,
    summary: item.summary,
    retrying: item.summary.retrying !== null,
    progress: item.progress,
    release: item.release,
    wakeInMs: item.wakeAt === null ? null : Math.max(0, item.wakeAt - item.nowAt),
    labels: item.labels ?? null,
    ends: item.end !== undefined,
    output: item.end?.output ?? null,
    error: item.end?.error ?? null,
  };
}

function batchRow(item: CommitItem) {
  const { executionId, epoch, seq, events } = item;
  return { executionId, epoch, firstSeq: seq + 1, lastSeq: seq + events.length, items: events };
}

/** A step run as `step_runs_write` takes it; a due time relative to now, since only PostgreSQL's clock is compared. */
export function stepRow(step: StepState, at: { readonly executionId: string; readonly nowAt: number }) {
  const { output, dueAt, ...rest } = step;
  return {
    ...rest,
    executionId: at.executionId,
    dueInMs: dueAt === null ? null : dueAt - at.nowAt,
    outputKind: output.kind,
    output: output.kind === "value" ? output.value : null,
  };
}

function childRows(item: CommitItem) {
  return item.children.map(({ executionId, parent, ...child }) => ({
    ...child,
    by: item.executionId,
    id: executionId,
    parentId: parent?.executionId ?? null,
    parentStep: parent?.stepId ?? null,
    parentGen: parent?.gen ?? null,
  }));
}

/** Rows for others' inboxes: cancels for children, and the end for a parent that waits. */
function mailRows(item: CommitItem) {
  const by = item.executionId;
  const cancels = item.cancels.map((to) => ({
    by,
    to,
    kind: "cancel",
    stepId: null as string | null,
    gen: null as number | null,
  }));
  const parent = item.end?.parent;
  if (parent === undefined || parent === null) return cancels;
  return [...cancels, { by, to: parent.executionId, kind: "childEnded", stepId: parent.stepId, gen: parent.gen }];
}

function jsonOrNull(rows: readonly (object | Json)[]): string | null {
  return rows.length === 0 ? null : JSON.stringify(rows);
}
