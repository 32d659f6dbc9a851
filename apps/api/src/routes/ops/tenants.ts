import { DEFAULT_TENANT_LIMITS, PageQuery, type TenantUsage, TenantUsagePage } from "@keelson/contracts";
import { type TenantRecord, type UsageRow, TENANT_COUNT_CAP, tenantList, usageRead } from "@keelson/db";
import { pagingOf } from "../../http/paging.ts";
import { operatorRoute } from "../../http/route.ts";
import { round } from "../../ops/rates.ts";

const RATE_SECONDS = 900;

export const listTenantUsage = operatorRoute({
  method: "get",
  path: "/v1/ops/tenants",
  answers: { 200: TenantUsagePage },
  doc: {
    operationId: "listTenantUsage",
    tag: "Operations",
    summary: "List what tenants use of what they may",
    description: "Newest tenants first.",
    refusals: [],
  },
  query: PageQuery,
  async handle(call) {
    const { db } = call.deps;
    const paging = pagingOf(call, "ops/tenants", call.query);
    const page = await tenantList(db, paging);
    const ids = page.items.map((tenant) => tenant.id);
    const usage = await usageRead(db, ids, new Date(Date.now() - RATE_SECONDS * 1_000));
    const usageOf = new Map(usage.map((row) => [row.tenantId, row]));
    const present = (tenant: TenantRecord) => presentUsage(tenant, usageOf.get(tenant.id));
    return { status: 200, body: paging.answer(page, present, (tenant) => tenant.id) };
  },
});

function presentUsage({ id, slug, name, limits }: TenantRecord, usage: UsageRow | undefined): TenantUsage {
  const { unfinishedExecutions, ...perMinute } = { ...DEFAULT_TENANT_LIMITS, ...limits };
  const used = usage?.unfinished ?? 0;
  const per = (count: number | undefined, seconds: number) => round(((count ?? 0) / RATE_SECONDS) * seconds);
  return {
    id,
    slug,
    name,
    unfinishedExecutions: { used, exact: used < TENANT_COUNT_CAP, limit: unfinishedExecutions },
    heldExecutions: usage?.held ?? 0,
    rates: {
      startedPerSecond: per(usage?.started, 1),
      webhooksPerMinute: per(usage?.byWebhook, 60),
      endedPerSecond: per(usage?.ended, 1),
      failedPerSecond: per(usage?.failed, 1),
    },
    limits: perMinute,
  };
}
