import { auditWrite, secretDelete } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { SecretPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const deleteSecret = tenantRoute({
  method: "delete",
  path: "/v1/secrets/:name",
  answers: { 204: null },
  doc: {
    operationId: "deleteSecret",
    tag: "Secrets",
    summary: "Delete a secret",
    description: "Steps that name it fail with `SECRET_MISSING` from then on.",
    refusals: [],
  },
  scope: "write",
  params: SecretPath,
  async handle({ params: { name }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const deleted = await deps.db.withTenant(tenantId, async (tx) => {
      if (!(await secretDelete(tx, tenantId, name))) return false;
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "secret.deleted",
        target: { type: "secret", id: name },
      });
      return true;
    });
    if (!deleted) throw new AppError("NOT_FOUND");
    deps.changes.secret(tenantId, name);
    return { status: 204 };
  },
});
