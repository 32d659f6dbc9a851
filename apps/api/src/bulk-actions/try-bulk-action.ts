import { BULK_SAMPLE, type BulkDryRun, type CreateBulkAction } from "@keelson/contracts";
import { deliveryHeads, executionHeads } from "@keelson/db";
import type { ApiDeps } from "../deps.ts";
import { presentSummary } from "../executions/present.ts";
import { stepCountsOf } from "../executions/step-counts.ts";
import { presentDeliveryItem } from "../routes/deliveries/present.ts";
import { bulkTargets } from "./create-bulk-action.ts";

/** What a bulk action would hit; nothing is changed. */
export function tryBulkAction(
  deps: Pick<ApiDeps, "db">,
  tenantId: string,
  request: CreateBulkAction,
): Promise<BulkDryRun> {
  return deps.db.withTenant(tenantId, async (tx) => {
    const { ids, capped } = await bulkTargets(tx, tenantId, request);
    const first = ids.slice(0, BULK_SAMPLE);
    if (request.action === "redeliver") {
      const rows = await deliveryHeads(tx, tenantId, first);
      return { matched: ids.length, capped, sample: rows.map(presentDeliveryItem) };
    }
    const rows = await executionHeads(tx, tenantId, first);
    const stepCounts = await stepCountsOf(tx, tenantId, rows);
    const sample = rows.map((row) => presentSummary(row, stepCounts.get(row.versionId) ?? 0));
    return { matched: ids.length, capped, sample };
  });
}
