import { CreatedTenant, CreateTenant, SCOPES } from "@keelson/contracts";
import { apiKeyCreate, auditWrite, tenantCreate } from "@keelson/db";
import { AppError, newId } from "@keelson/service-kit";
import { newApiKey } from "../../auth/api-key.ts";
import { actorOf } from "../../auth/caller.ts";
import { operatorRoute } from "../../http/route.ts";
import { presentCreatedKey, presentTenant } from "./present.ts";

/** A tenant comes with a key of all scopes, or nobody could use it. */
export const createTenant = operatorRoute({
  method: "post",
  path: "/v1/tenants",
  answers: { 201: CreatedTenant },
  doc: {
    operationId: "createTenant",
    tag: "Tenants",
    summary: "Create a tenant, with its first API key",
    description: "The key has all scopes, and is shown this once.",
    refusals: ["NAME_TAKEN"],
    example: { slug: "acme", name: "Acme Ltd" },
    answerHeaders: { 201: ["Location"] },
  },
  body: CreateTenant,
  async handle({ body, caller, deps }) {
    const id = newId();
    const { key, prefix, hash } = newApiKey();
    const created = await deps.db.withTenant(id, async (tx): Promise<CreatedTenant | null> => {
      const tenant = await tenantCreate(tx, { id, ...body });
      if (tenant === null) return null;
      const newKey = { id: newId(), hash, prefix, name: "first", scopes: SCOPES, expiresAt: null };
      const apiKey = await apiKeyCreate(tx, id, newKey);
      const details = { slug: body.slug };
      await auditWrite(tx, id, {
        actor: actorOf(caller),
        action: "tenant.created",
        target: { type: "tenant", id },
        details,
      });
      return { tenant: presentTenant(tenant), apiKey: presentCreatedKey(apiKey, key) };
    });
    if (created === null) throw new AppError("NAME_TAKEN", { detail: `Another tenant has the slug "${body.slug}".` });
    return { status: 201, body: created, headers: { location: `/v1/tenants/${id}` } };
  },
});
