import { PatchTenant, Tenant } from "@keelson/contracts";
import { auditWrite, tenantDelete, tenantSetLimits } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { IdPath } from "../../http/path.ts";
import { operatorRoute } from "../../http/route.ts";
import { presentTenant } from "./present.ts";

export const patchTenant = operatorRoute({
  method: "patch",
  path: "/v1/tenants/:id",
  answers: { 200: Tenant },
  doc: {
    operationId: "updateTenant",
    tag: "Tenants",
    summary: "Change a tenant's limits",
    description: "Limits that are left out stay as they are. In force within a second.",
    refusals: [],
    example: { limits: { unfinishedExecutions: 50_000 } },
  },
  params: IdPath,
  body: PatchTenant,
  async handle({ params: { id }, body, caller, deps }) {
    const limits = definedOf(body.limits ?? {});
    const tenant = await deps.db.withTenant(id, async (tx) => {
      const changed = await tenantSetLimits(tx, id, limits);
      if (changed === null) return null;
      const details = { limits };
      await auditWrite(tx, id, {
        actor: actorOf(caller),
        action: "tenant.updated",
        target: { type: "tenant", id },
        details,
      });
      return changed;
    });
    if (tenant === null) throw new AppError("NOT_FOUND");
    deps.changes.tenant(id);
    return { status: 200, body: presentTenant(tenant) };
  },
});

export const deleteTenant = operatorRoute({
  method: "delete",
  path: "/v1/tenants/:id",
  answers: { 204: null },
  doc: {
    operationId: "deleteTenant",
    tag: "Tenants",
    summary: "Delete a tenant",
    description: "From then on its keys are refused and its hooks unknown.",
    refusals: [],
  },
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const deleted = await deps.db.withTenant(id, async (tx) => {
      if (!(await tenantDelete(tx, id))) return false;
      await auditWrite(tx, id, { actor: actorOf(caller), action: "tenant.deleted", target: { type: "tenant", id } });
      return true;
    });
    if (!deleted) throw new AppError("NOT_FOUND");
    deps.changes.tenant(id);
    return { status: 204 };
  },
});

/** Without the fields that are present but undefined. */
function definedOf(limits: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(limits).flatMap(([name, limit]) => (limit === undefined ? [] : [[name, limit]])),
  );
}
