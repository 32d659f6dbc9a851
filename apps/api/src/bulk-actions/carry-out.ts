// What one item of a bulk action is: the very call that is made for one alone.

import { assertNever } from "@keelson/contracts";
import type { BulkTurns } from "@keelson/db";
import { redeliver } from "../deliveries/redeliver.ts";
import type { InterventionDeps } from "../deps.ts";
import { cancelExecution } from "../executions/cancel-execution.ts";
import { replayExecution } from "../executions/replay-execution.ts";
import { retryExecution } from "../executions/retry-execution.ts";
import type { Starter } from "../executions/start-execution.ts";

/** Refuses as the single call does. */
export async function carryOut(
  deps: InterventionDeps,
  starter: Starter,
  { action, version }: Pick<BulkTurns, "action" | "version">,
  targetId: string,
): Promise<void> {
  switch (action) {
    case "retry":
      return retryExecution(deps, starter.tenant.id, targetId, null);
    case "cancel":
      return cancelExecution(deps, starter.tenant.id, targetId);
    case "replay":
      await replayExecution(deps, starter, targetId, version ?? "same");
      return;
    case "redeliver":
      await redeliver(deps, starter, targetId);
      return;
    default:
      assertNever(action);
  }
}
