import { type TraceContext, failPoint } from "@keelson/contracts";
import { type ExecutionStart, type StartKey, type StartVerdict, executionStart } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { InterventionDeps } from "../deps.ts";

/** Whose executions they are, how many may be unfinished, and in what trace: a caller, or a tenant for whom something goes on. */
export interface Starter {
  readonly tenant: { readonly id: string };
  readonly limits: { readonly unfinishedExecutions: number };
  readonly trace?: TraceContext | null;
}

/**
 * Commits a start and tells the workers: the execution's id, or that of the first one with this key. Refuses with
 * `WORKFLOW_ARCHIVED`, `IDEMPOTENCY_MISMATCH`, `TOO_MANY_UNFINISHED` and `NOT_FOUND`.
 */
export async function commitStart(
  deps: Pick<InterventionDeps, "db" | "hints">,
  starter: Starter,
  workflowId: string,
  start: Omit<ExecutionStart, "trace">,
  idempotency: StartKey | null = null,
): Promise<string> {
  const tenantId = starter.tenant.id;
  const maxUnfinished = starter.limits.unfinishedExecutions;
  const traced = { ...start, trace: starter.trace ?? null };
  const verdict = await executionStart(deps.db, { tenantId, workflowId, start: traced, idempotency, maxUnfinished });
  return settleStart(deps, starter, verdict);
}

/** What a start's verdict means for whoever asked: the execution's id and a hint to the workers, or the refusal. */
export function settleStart(deps: Pick<InterventionDeps, "hints">, starter: Starter, verdict: StartVerdict): string {
  const tenantId = starter.tenant.id;
  switch (verdict.kind) {
    case "started":
      failPoint("api.start.committed");
      if (!verdict.held) deps.hints.wake({ tenantId, executionId: verdict.executionId }, 0);
      return verdict.executionId;
    case "repeat":
      return verdict.executionId;
    case "mismatch":
      throw new AppError("IDEMPOTENCY_MISMATCH");
    case "archived":
      throw new AppError("WORKFLOW_ARCHIVED");
    case "unknown":
      throw new AppError("NOT_FOUND");
    case "full":
      throw tooManyUnfinished(starter.limits.unfinishedExecutions);
  }
}

export function tooManyUnfinished(limit: number): AppError {
  const detail = `The tenant has ${limit} or more unfinished executions, which is its limit: wait until some have ended.`;
  return new AppError("TOO_MANY_UNFINISHED", { detail, headers: { "retry-after": "5" } });
}
