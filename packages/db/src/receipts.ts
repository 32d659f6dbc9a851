// What a producer may learn of its delivery.
import type { Database, HotQuery } from "./database.ts";

/** Primary keys of deliveries, tenants and executions. */
const RECEIPT: HotQuery = { name: "delivery_receipt", text: "select * from keelson.delivery_receipt($1, $2)" };

export interface DeliveryState {
  readonly status: "accepted" | "duplicate";
  /** Whether the execution that it started, or whose start it repeated, has ended. */
  readonly ended: boolean;
}

/** Null: the delivery is no longer kept, was refused, or its tenant is deleted. */
export async function deliveryReceipt(db: Database, tenantId: string, id: string): Promise<DeliveryState | null> {
  const [row] = await db.call<{ status: DeliveryState["status"]; ended: boolean }>(RECEIPT, [tenantId, id]);
  return row ?? null;
}
