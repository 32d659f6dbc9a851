import type { JsonObject } from "@keelson/contracts";
import { auditWrite } from "@keelson/db";
import { type TenantCaller, actorOf } from "../auth/caller.ts";
import type { ApiDeps } from "../deps.ts";

/** Writes down who intervened in an execution. */
export async function auditIntervention(
  deps: ApiDeps,
  caller: TenantCaller,
  action: string,
  executionId: string,
  details: JsonObject = {},
): Promise<void> {
  const tenantId = caller.tenant.id;
  const target = { type: "execution", id: executionId };
  const record = { actor: actorOf(caller), action: `execution.${action}`, target, details };
  await deps.db.withTenant(tenantId, (tx) => auditWrite(tx, tenantId, record));
}
