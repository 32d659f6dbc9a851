// Secrets that may explain a signature which passed no check (I8: in memory while it is looked into, and never kept).
// Nothing that is read here passes a request: what a trigger's requests are checked with comes from `createSecretReader`.
import type { Database } from "./database.ts";
import type { SealedSecret, SecretBox } from "./secret-box.ts";

export interface SigningSecret {
  readonly name: string;
  readonly value: string;
  /** `own`: one of the names asked for. `replaced`: what such a one was before its last change. `other`: another trigger's. */
  readonly origin: "own" | "replaced" | "other";
  readonly replacedAt?: Date;
}

export interface SigningSecretReader {
  /**
   * The named secrets, the values that they had until at most a day ago, and up to ten more that webhook triggers of the
   * tenant's twenty youngest workflows name: no other secret of the tenant, since a match tells that a sender knows it.
   */
  read(tenantId: string, names: readonly string[]): Promise<readonly SigningSecret[]>;
}

/** How long the value before the last change is kept. */
export const REPLACED_SECRETS_KEPT_MS = 24 * 60 * 60 * 1000;

interface SecretRow extends SealedSecret {
  readonly name: string;
  readonly origin: SigningSecret["origin"];
  readonly replacedAt: Date | null;
}

export function createSigningSecretReader(db: Database, box: SecretBox): SigningSecretReader {
  return {
    async read(tenantId, names) {
      const rows = await db.withTenant(
        tenantId,
        (tx) => tx.$queryRaw<SecretRow[]>`
          with others as (
            select s.* from keelson.secrets s
            where s.tenant_id = ${tenantId}::uuid and s.name <> all(${names}) and s.name in (
              select n.name from (
                select w.id, w.latest_version from keelson.workflows w
                where w.tenant_id = ${tenantId}::uuid and w.status <> 'archived' and exists (
                  select from keelson.hooks h where h.tenant_id = w.tenant_id and h.workflow_id = w.id)
                order by w.id desc limit 20
              ) w
              join keelson.workflow_versions v
                on v.tenant_id = ${tenantId}::uuid and v.workflow_id = w.id and v.version = w.latest_version
              cross join json_array_elements(v.definition -> 'triggers') t
              cross join json_array_elements_text(t -> 'signature' -> 'secrets') n (name))
            order by s.updated_at desc limit 10
          )
          select 'own' as origin, name, ciphertext, nonce, key_version as "keyVersion", null::timestamptz as "replacedAt"
          from keelson.secrets where tenant_id = ${tenantId}::uuid and name = any(${names})
          union all
          select 'replaced', name, ciphertext, nonce, key_version, replaced_at
          from keelson.replaced_secrets
          where tenant_id = ${tenantId}::uuid and name = any(${names})
            and replaced_at > now() - ${REPLACED_SECRETS_KEPT_MS} * interval '1 millisecond'
          union all
          select 'other', name, ciphertext, nonce, key_version, null from others`,
      );
      return rows.map(({ name, origin, replacedAt, ...sealed }) => ({
        name,
        origin,
        value: box.open(tenantId, name, sealed),
        ...(replacedAt === null ? {} : { replacedAt }),
      }));
    },
  };
}
