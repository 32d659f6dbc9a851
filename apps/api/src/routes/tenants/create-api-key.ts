import { CreateApiKey, CreatedApiKey } from "@keelson/contracts";
import { tenantGet } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { IdPath } from "../../http/path.ts";
import { operatorRoute } from "../../http/route.ts";
import { issueApiKey } from "../api-keys/issue.ts";

export const createTenantApiKey = operatorRoute({
  method: "post",
  path: "/v1/tenants/:id/api-keys",
  answers: { 201: CreatedApiKey },
  doc: {
    operationId: "createTenantApiKey",
    tag: "Tenants",
    summary: "Create an API key for a tenant that has lost its own",
    description: "The key is shown this once. The tenant finds in its audit log that the operator made it.",
    refusals: [],
    example: { name: "recovered", scopes: ["admin"] },
  },
  params: IdPath,
  body: CreateApiKey,
  async handle({ params: { id }, body, caller, deps }) {
    const created = await deps.db.withTenant(id, async (tx) =>
      (await tenantGet(tx, id)) === null ? null : issueApiKey(tx, id, body, caller),
    );
    if (created === null) throw new AppError("NOT_FOUND");
    return { status: 201, body: created };
  },
});
