import { type ExecutionHead, type TenantTx, versionStepCounts } from "@keelson/db";

/** Steps by version, of those executions that nothing has happened to yet: the others have a summary of their own. */
export function stepCountsOf(
  tx: TenantTx,
  tenantId: string,
  rows: readonly ExecutionHead[],
): Promise<Map<string, number>> {
  const fresh = rows.filter((row) => row.summary === null).map((row) => row.versionId);
  return versionStepCounts(tx, tenantId, [...new Set(fresh)]);
}
