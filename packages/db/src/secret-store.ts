// Tenants' secrets in the clear, for those who must use them: never kept, never logged (I8).
import type { Database } from "./database.ts";
import { patiently } from "./patiently.ts";
import type { SecretBox } from "./secret-box.ts";

export interface SecretReader {
  /** The values of those names that exist. */
  read(tenantId: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export function createSecretReader(db: Database, box: SecretBox): SecretReader {
  return {
    async read(tenantId, names) {
      const rows = await patiently(() =>
        db.withTenant(tenantId, (tx) => tx.secret.findMany({ where: { tenantId, name: { in: [...names] } } })),
      );
      return new Map(rows.map((row) => [row.name, box.open(tenantId, row.name, row)]));
    },
  };
}
