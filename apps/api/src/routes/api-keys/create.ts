import { CreateApiKey, CreatedApiKey } from "@keelson/contracts";
import { tenantRoute } from "../../http/route.ts";
import { issueApiKey } from "./issue.ts";

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
    const tenantId = caller.tenant.id;
    const created = await deps.db.withTenant(tenantId, (tx) => issueApiKey(tx, tenantId, body, caller));
    return { status: 201, body: created };
  },
});
