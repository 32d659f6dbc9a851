import { ApiKeyPage, PageQuery } from "@keelson/contracts";
import { apiKeyList } from "@keelson/db";
import { pagingOf } from "../../http/paging.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentApiKey } from "./present.ts";

export const listApiKeys = tenantRoute({
  method: "get",
  path: "/v1/api-keys",
  answers: { 200: ApiKeyPage },
  doc: {
    operationId: "listApiKeys",
    tag: "API keys",
    summary: "List API keys, without the keys themselves",
    refusals: [],
  },
  scope: "admin",
  query: PageQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "api-keys", call.query);
    const page = await call.deps.db.withTenant(tenantId, (tx) => apiKeyList(tx, tenantId, paging));
    return { status: 200, body: paging.answer(page, presentApiKey, (key) => key.id) };
  },
});
