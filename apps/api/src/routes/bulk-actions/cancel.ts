import { BulkAction } from "@keelson/contracts";
import { auditWrite, bulkActionCancel } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { readBulkAction } from "../../bulk-actions/read-bulk-action.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

export const cancelBulkAction = tenantRoute({
  method: "post",
  path: "/v1/bulk-actions/:id/cancel",
  answers: { 202: BulkAction },
  doc: {
    operationId: "cancelBulkAction",
    tag: "Bulk actions",
    summary: "Stop what a bulk action has not done yet",
    description: "What is done stays done; what is being done at this moment is finished and counted.",
    refusals: ["BULK_ACTION_ENDED"],
  },
  scope: "trigger",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    return deps.db.withTenant(tenantId, async (tx) => {
      const cancelled = await bulkActionCancel(tx, tenantId, id);
      const body = await readBulkAction(tx, tenantId, id);
      if (!cancelled)
        throw new AppError("BULK_ACTION_ENDED", { detail: `The bulk action is over: it is ${body.status}.` });
      const { done, matched } = body;
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "bulkAction.cancelled",
        target: { type: "bulkAction", id },
        details: { done, matched },
      });
      return { status: 202, body };
    });
  },
});
