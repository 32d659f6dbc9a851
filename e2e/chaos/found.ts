// What the database says became of everything, once nothing is left to do.
import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "../support/engine.ts";

export interface FoundStep {
  readonly step_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly failures: number;
  readonly branch: string | null;
  readonly output: unknown;
  readonly error: { readonly code: string } | null;
  readonly child_id: string | null;
}

export interface FoundExecution {
  readonly id: string;
  readonly workflow_name: string;
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly error: { readonly code: string; readonly step?: string } | null;
  readonly trigger: { readonly type: string; readonly id?: string; readonly parentExecutionId?: string };
  readonly parent_id: string | null;
  readonly losses: number;
  readonly created_at: Date;
  readonly finished_at: Date | null;
  readonly steps: ReadonlyMap<string, FoundStep>;
}

export interface FoundAttempt {
  readonly execution_id: string;
  readonly step_id: string;
  readonly attempt: number;
  readonly started_at: Date;
  readonly finished_at: Date;
  readonly outcome: string;
  readonly idempotency_key: string | null;
}

/** An incarnation of a worker that is no more: what it held was taken from it between these times. */
export interface LostIncarnation {
  readonly renewed_at: Date;
  readonly lease_until: Date;
}

export function findLostIncarnations(engine: Engine): Promise<LostIncarnation[]> {
  return engine.query<LostIncarnation>(
    "select renewed_at, lease_until from keelson.workers where dead or lease_until <= now()",
  );
}

/** What has not ended: more than that has stopped where nothing has moved for `quietMs`. */
export async function untilAllEnded(engine: Engine, quietMs: number): Promise<readonly string[]> {
  let last = "";
  let since = performance.now();
  for (;;) {
    const rows = await engine
      .query<{ id: string; seq: number }>(
        "select id, seq from keelson.executions where finished_at is null order by id",
      )
      .catch(() => null);
    if (rows?.length === 0) return [];
    const now = JSON.stringify(rows);
    if (now !== last) since = performance.now();
    last = now;
    if (performance.now() - since > quietMs) return (rows ?? []).map(({ id }) => id);
    await sleep(300);
  }
}

export async function findExecutions(engine: Engine, tenantId: string): Promise<ReadonlyMap<string, FoundExecution>> {
  const executions = await engine.query<Omit<FoundExecution, "steps">>(
    `select id, workflow_name, status, input, output, error, trigger, parent_id, losses, created_at, finished_at
     from keelson.executions where tenant_id = $1`,
    [tenantId],
  );
  const steps = await engine.query<FoundStep & { execution_id: string }>(
    `select execution_id, step_id, status, attempt, failures, branch, output, error, child_id
     from keelson.step_runs where tenant_id = $1`,
    [tenantId],
  );
  const byExecution = Map.groupBy(steps, ({ execution_id }) => execution_id);
  return new Map(
    executions.map((execution) => [
      execution.id,
      { ...execution, steps: new Map((byExecution.get(execution.id) ?? []).map((step) => [step.step_id, step])) },
    ]),
  );
}

/** Those of http steps that are over. */
export function findAttempts(engine: Engine, tenantId: string): Promise<FoundAttempt[]> {
  return engine.query<FoundAttempt>(
    `select execution_id, step_id, attempt, started_at, finished_at, outcome, idempotency_key
     from keelson.attempts where tenant_id = $1 order by execution_id, step_id, attempt`,
    [tenantId],
  );
}
