import { CreateApiKey, CreatedApiKey, SCOPES } from "@keelson/contracts";
import { apiKeyCreate, auditWrite } from "@keelson/db";
import { AppError, newId } from "@keelson/service-kit";
import { newApiKey } from "../../auth/api-key.ts";
import { actorOf } from "../../auth/caller.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentApiKey } from "./present.ts";

export const createApiKey = tenantRoute({
  method: "post",
  path: "/v1/api-keys",
  answers: { 201: CreatedApiKey },
  doc: {
    operationId: "createApiKey",
    tag: "API keys",
    summary: "Create an API key",
    description: "The key itself is shown this once, and kept nowhere.",
    refusals: [],
    example: { name: "deploy", scopes: ["read", "write"], expiresAt: "2030-01-31T00:00:00Z" },
  },
  scope: "admin",
  body: CreateApiKey,
  async handle({ body, caller, deps }) {
    const { name, scopes = SCOPES, expiresAt = null } = body;
    if (expiresAt !== null && expiresAt.getTime() <= Date.now()) throw expiredAlready();
    const tenantId = caller.tenant.id;
    const { key, prefix, hash } = newApiKey();
    const id = newId();
    const created = await deps.db.withTenant(tenantId, async (tx) => {
      const record = await apiKeyCreate(tx, tenantId, { id, hash, prefix, name, scopes, expiresAt });
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "apiKey.created",
        target: { type: "apiKey", id },
        details: { name, scopes: [...scopes], expiresAt: expiresAt?.toISOString() ?? null },
      });
      return record;
    });
    return { status: 201, body: { ...presentApiKey(created), key } };
  },
});

function expiredAlready(): AppError {
  const message = "must lie in the future";
  return new AppError("INVALID_REQUEST", { errors: [{ path: "/expiresAt", code: "CUSTOM", message }] });
}
