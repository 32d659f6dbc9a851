import { PageQuery, Tenant, TenantPage } from "@keelson/contracts";
import { tenantGet, tenantList } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { operatorRoute } from "../../http/route.ts";
import { presentTenant } from "./present.ts";

export const listTenants = operatorRoute({
  method: "get",
  path: "/v1/tenants",
  answers: { 200: TenantPage },
  doc: {
    operationId: "listTenants",
    tag: "Tenants",
    summary: "List tenants",
    refusals: [],
  },
  query: PageQuery,
  async handle(call) {
    const paging = pagingOf(call, "tenants", call.query);
    const page = await tenantList(call.deps.db, paging);
    return { status: 200, body: paging.answer(page, presentTenant, (tenant) => tenant.id) };
  },
});

export const getTenant = operatorRoute({
  method: "get",
  path: "/v1/tenants/:id",
  answers: { 200: Tenant },
  doc: {
    operationId: "getTenant",
    tag: "Tenants",
    summary: "Read a tenant",
    refusals: [],
  },
  params: IdPath,
  async handle({ params: { id }, deps }) {
    const tenant = await deps.db.withTenant(id, (tx) => tenantGet(tx, id));
    if (tenant === null) throw new AppError("NOT_FOUND");
    return { status: 200, body: presentTenant(tenant) };
  },
});
