import { PageQuery, type SecretEntry, SecretPage } from "@keelson/contracts";
import { type SecretHead, secretList } from "@keelson/db";
import { pagingOf } from "../../http/paging.ts";
import { tenantRoute } from "../../http/route.ts";

/** Names and times, never values. */
export const listSecrets = tenantRoute({
  method: "get",
  path: "/v1/secrets",
  answers: { 200: SecretPage },
  doc: {
    operationId: "listSecrets",
    tag: "Secrets",
    summary: "List secrets, never their values",
    refusals: [],
  },
  scope: "read",
  query: PageQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "secrets", call.query);
    const page = await call.deps.db.withTenant(tenantId, (tx) => secretList(tx, tenantId, paging));
    return { status: 200, body: paging.answer(page, presentSecret, (secret) => secret.position) };
  },
});

function presentSecret({ name, createdAt, updatedAt }: SecretHead): SecretEntry {
  return { name, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
