import { AppError } from "@keelson/service-kit";
import type { InterventionDeps } from "../deps.ts";
import { type ReopenVerdict, reopenExecution } from "./reopen-execution.ts";

/**
 * An ended execution goes on in its version; `from`: a step that runs anew too. Refuses with `NOT_FOUND`,
 * `EXECUTION_NOT_ENDED`, `NOTHING_TO_RETRY` and `INVALID_REQUEST`.
 */
export async function retryExecution(
  deps: InterventionDeps,
  tenantId: string,
  id: string,
  from: string | null,
): Promise<void> {
  const verdict = await reopenExecution(deps, tenantId, id, from);
  if (verdict.kind !== "reopened") throw refusalOf(verdict, from);
  for (const executionId of verdict.due) deps.hints.wake({ tenantId, executionId }, 0);
}

function refusalOf(verdict: Exclude<ReopenVerdict, { kind: "reopened" }>, from: string | null): AppError {
  switch (verdict.kind) {
    case "unknown":
      return new AppError("NOT_FOUND");
    case "notEnded":
      return new AppError("EXECUTION_NOT_ENDED");
    case "childNotEnded":
      return new AppError("EXECUTION_NOT_ENDED", {
        detail: `Its child execution ${verdict.childId} has not ended yet: try again when it has.`,
      });
    case "nothing":
      return new AppError("NOTHING_TO_RETRY");
    case "unknownStep":
      return new AppError("INVALID_REQUEST", {
        errors: [{ path: "/from", code: "UNKNOWN_STEP", message: `the execution's version has no step "${from}"` }],
      });
  }
}
