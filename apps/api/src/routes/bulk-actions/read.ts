import { BulkAction, BulkActionListQuery, BulkActionPage } from "@keelson/contracts";
import { bulkActionList } from "@keelson/db";
import { presentBulkActionItem } from "../../bulk-actions/present.ts";
import { readBulkAction } from "../../bulk-actions/read-bulk-action.ts";
import { pagingOf } from "../../http/paging.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const listBulkActions = tenantRoute({
  method: "get",
  path: "/v1/bulk-actions",
  answers: { 200: BulkActionPage },
  doc: {
    operationId: "listBulkActions",
    tag: "Bulk actions",
    summary: "List bulk actions, newest first",
    refusals: [],
  },
  scope: "read",
  query: BulkActionListQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "bulkActions", call.query);
    const page = await call.deps.db.withTenant(tenantId, (tx) => bulkActionList(tx, tenantId, paging));
    return { status: 200, body: paging.answer(page, presentBulkActionItem, (row) => row.id) };
  },
});

export const getBulkAction = tenantRoute({
  method: "get",
  path: "/v1/bulk-actions/:id",
  answers: { 200: BulkAction },
  doc: {
    operationId: "getBulkAction",
    tag: "Bulk actions",
    summary: "See how far a bulk action is, and what was refused",
    refusals: [],
  },
  scope: "read",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    return { status: 200, body: await deps.db.withTenant(tenantId, (tx) => readBulkAction(tx, tenantId, id)) };
  },
});
