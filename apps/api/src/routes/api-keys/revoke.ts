import { apiKeyRevoke, auditWrite } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** A key may revoke itself. In force within a second on every instance. */
export const revokeApiKey = tenantRoute({
  method: "delete",
  path: "/v1/api-keys/:id",
  answers: { 204: null },
  doc: {
    operationId: "revokeApiKey",
    tag: "API keys",
    summary: "Revoke an API key",
    description: "It is refused everywhere within a second. A key may revoke itself.",
    refusals: [],
  },
  scope: "admin",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const name = await deps.db.withTenant(tenantId, async (tx) => {
      const revoked = await apiKeyRevoke(tx, tenantId, id);
      if (revoked === null) return null;
      const details = { name: revoked };
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "apiKey.revoked",
        target: { type: "apiKey", id },
        details,
      });
      return revoked;
    });
    if (name === null) throw new AppError("NOT_FOUND");
    deps.changes.apiKey(tenantId, id);
    return { status: 204 };
  },
});
