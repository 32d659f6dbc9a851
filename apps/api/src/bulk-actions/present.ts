import { type BulkAction, BulkActionListItem } from "@keelson/contracts";
import type { BulkActionRow, BulkRefusal } from "@keelson/db";

export function presentBulkActionItem(row: BulkActionRow): BulkActionListItem {
  const { id, action, status, version, perSecond, stopAfterFailures, matched, capped } = row;
  const { succeeded, refused, failed } = row;
  return {
    id,
    action,
    status,
    filter: BulkActionListItem.shape.filter.parse(row.filter),
    version: version ?? null,
    perSecond,
    stopAfterFailures,
    matched,
    capped,
    done: succeeded + refused + failed,
    succeeded,
    refused,
    failed,
    createdAt: row.createdAt.toISOString(),
    finishedAt: row.finishedAt?.toISOString() ?? null,
    createdBy: { type: row.actorType, id: row.actorId },
  };
}

export function presentBulkAction(row: BulkActionRow, refusals: readonly BulkRefusal[]): BulkAction {
  return { ...presentBulkActionItem(row), refusals: [...refusals] };
}
