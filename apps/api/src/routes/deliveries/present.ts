import { isUtf8 } from "node:buffer";
import type { Delivery, DeliveryListItem } from "@keelson/contracts";
import type { DeliveryHead, DeliveryRow } from "@keelson/db";

export function presentDeliveryItem(row: DeliveryHead): DeliveryListItem {
  const { id, hookId, workflow, receivedAt, status, reason, executionId, redeliveryOf } = row;
  return { id, hookId, workflow, receivedAt: receivedAt.toISOString(), status, reason, executionId, redeliveryOf };
}

export function presentDelivery(row: DeliveryRow): Delivery {
  const bodyEncoding = isUtf8(row.body) ? "utf8" : "base64";
  const body = Buffer.from(row.body).toString(bodyEncoding);
  return { ...presentDeliveryItem(row), headers: { ...row.headers }, body, bodyEncoding };
}
