// One step run with all of its attempts.

import type { Failure, Json } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";

export interface AttemptRow {
  readonly run: number;
  readonly n: number;
  readonly startedAt: Date;
  /** Null while it runs, as are the next two. */
  readonly finishedAt: Date | null;
  readonly outcome: "succeeded" | "failed" | "timed_out" | "cancelled" | "in_doubt" | null;
  readonly error: Failure | null;
  readonly nextAttemptAt: Date | null;
  readonly idempotencyKey: string | null;
  readonly request: Json;
  readonly response: Json;
}

/** Oldest first; the last one may be running. */
export async function attemptList(
  tx: TenantTx,
  tenantId: string,
  executionId: string,
  stepId: string,
): Promise<AttemptRow[]> {
  return tx.$queryRaw<AttemptRow[]>`
    select a.iter as run, a.attempt as n, a.started_at as "startedAt", a.finished_at as "finishedAt", a.outcome, a.error,
      a.next_attempt_at as "nextAttemptAt", a.idempotency_key as "idempotencyKey", a.request, a.response
    from keelson.attempts a
    where a.tenant_id = ${tenantId}::uuid and a.execution_id = ${executionId}::uuid and a.step_id = ${stepId}
    union all
    select s.iter, s.attempt, coalesce(s.sent_at, s.started_at), null, null, null, null, null, null, null
    from keelson.step_runs s
    where s.tenant_id = ${tenantId}::uuid and s.execution_id = ${executionId}::uuid and s.step_id = ${stepId}
      and s.attempt > 0 and ((s.status = 'running' and s.sent_at is not null) or s.wait = 'child')
      and not exists (
        select from keelson.attempts a where a.tenant_id = s.tenant_id and a.execution_id = s.execution_id
          and a.step_id = s.step_id and a.iter = s.iter and a.attempt = s.attempt)
    order by 1, 2`;
}
