import { type BulkAction, MAX_BULK_REFUSALS } from "@keelson/contracts";
import { type TenantTx, bulkActionGet, bulkRefusals } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { presentBulkAction } from "./present.ts";

/** The bulk action as it is answered; refuses with `NOT_FOUND`. */
export async function readBulkAction(tx: TenantTx, tenantId: string, id: string): Promise<BulkAction> {
  const row = await bulkActionGet(tx, tenantId, id);
  if (row === null) throw new AppError("NOT_FOUND");
  return presentBulkAction(row, await bulkRefusals(tx, tenantId, id, MAX_BULK_REFUSALS));
}
