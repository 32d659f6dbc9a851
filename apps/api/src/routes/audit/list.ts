import { AnyJson, type AuditEntry, AuditPage, PageQuery } from "@keelson/contracts";
import { type AuditRow, auditList } from "@keelson/db";
import { pagingOf } from "../../http/paging.ts";
import { tenantRoute } from "../../http/route.ts";

export const listAudit = tenantRoute({
  method: "get",
  path: "/v1/audit",
  answers: { 200: AuditPage },
  doc: {
    operationId: "listAudit",
    tag: "Audit",
    summary: "List who changed what",
    refusals: [],
  },
  scope: "admin",
  query: PageQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "audit", call.query);
    const page = await call.deps.db.withTenant(tenantId, (tx) => auditList(tx, tenantId, paging));
    return { status: 200, body: paging.answer(page, presentEntry, (entry) => entry.id) };
  },
});

function presentEntry({ id, at, actorType, actorId, action, targetType, targetId, details }: AuditRow): AuditEntry {
  return {
    id,
    at: at.toISOString(),
    actor: { type: actorType, id: actorId },
    action,
    target: { type: targetType, id: targetId },
    details: AnyJson.parse(details),
  };
}
