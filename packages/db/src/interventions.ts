// What people do to executions and workflows: cancel, wake, retry, pause, resume.
import type { HistoryEvent, StepState, Summary } from "@keelson/engine";
import type { Database, HotQuery } from "./database.ts";
import { stepRow } from "./execution-commit.ts";

const NOTIFY: HotQuery = {
  name: "execution_notify",
  text: "select keelson.execution_notify($1, $2, $3, $4) as verdict",
};
const RETRY: HotQuery = {
  name: "execution_retry",
  text: "select keelson.execution_retry($1, $2, $3, $4, $5, $6, $7, $8, $9) as verdict",
};
const PAUSE: HotQuery = { name: "workflow_pause", text: "select keelson.workflow_pause($1, $2) as done" };
const RESUME: HotQuery = { name: "workflow_resume", text: "select keelson.workflow_resume($1, $2) as freed" };

/** Puts a wish into the execution's inbox; whoever holds it, or claims it next, obeys. */
export async function executionNotify(
  db: Database,
  tenantId: string,
  executionId: string,
  wish: { readonly kind: "cancel" } | { readonly kind: "wake"; readonly stepId: string },
): Promise<"sent" | "ended" | "unknown"> {
  const stepId = wish.kind === "wake" ? wish.stepId : null;
  const [row] = await db.call<{ verdict: "sent" | "ended" | "unknown" }>(NOTIFY, [
    tenantId,
    executionId,
    wish.kind,
    stepId,
  ]);
  return row?.verdict ?? "unknown";
}

export interface Reopening {
  readonly tenantId: string;
  readonly executionId: string;
  /** As it stood when the retry was decided; anything else by now is `stale`. */
  readonly gen: number;
  readonly seq: number;
  readonly events: readonly HistoryEvent[];
  readonly steps: readonly StepState[];
  readonly summary: Summary;
  /** Of a waiting parent, else null; epoch ms. */
  readonly deadlineAt: number | null;
  readonly nowAt: number;
  /** The generation of the parent that waits for it anew, else null. */
  readonly parentGen: number | null;
}

/** Reopens an ended execution under the next generation. `held`: its workflow is paused. */
export async function executionRetry(db: Database, reopening: Reopening): Promise<"retried" | "held" | "stale"> {
  const { tenantId, executionId, gen, seq, events, steps, summary, deadlineAt, parentGen } = reopening;
  const [row] = await db.call<{ verdict: "retried" | "held" | "stale" }>(RETRY, [
    tenantId,
    executionId,
    gen,
    seq,
    JSON.stringify(events),
    JSON.stringify(steps.map((step) => stepRow(step, reopening))),
    JSON.stringify(summary),
    deadlineAt,
    parentGen,
  ]);
  return row?.verdict ?? "stale";
}

/** What is accepted from now on is held. False: archived, or no such workflow. */
export async function workflowPause(db: Database, tenantId: string, workflowId: string): Promise<boolean> {
  const [row] = await db.call<{ done: boolean }>(PAUSE, [tenantId, workflowId]);
  return row?.done ?? false;
}

/** Frees what is held; how many. Null: archived, or no such workflow. */
export async function workflowResume(db: Database, tenantId: string, workflowId: string): Promise<number | null> {
  const [row] = await db.call<{ freed: number | null }>(RESUME, [tenantId, workflowId]);
  return row?.freed ?? null;
}
