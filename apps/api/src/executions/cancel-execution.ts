import { executionNotify } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import type { InterventionDeps } from "../deps.ts";

/**
 * Its holder, or whoever claims it next, aborts what runs and ends it; also one that is queued or held. Refuses with
 * `NOT_FOUND` and `EXECUTION_ENDED`.
 */
export async function cancelExecution(deps: InterventionDeps, tenantId: string, executionId: string): Promise<void> {
  const verdict = await executionNotify(deps.db, tenantId, executionId, { kind: "cancel" });
  if (verdict === "unknown") throw new AppError("NOT_FOUND");
  if (verdict === "ended") throw new AppError("EXECUTION_ENDED");
  const ref = { tenantId, executionId };
  deps.hints.mail(ref);
  deps.hints.wake(ref, 0);
}
