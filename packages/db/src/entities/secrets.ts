// Tenants' secrets, sealed. Values are opened elsewhere, and only where a request is built or checked (I8).

import type { TenantTx } from "../database.ts";
import type { SealedSecret } from "../secret-box.ts";
import { type Page, pageFrom } from "./page.ts";

export interface SecretHead {
  readonly name: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Its place in the list, for `before`. */
  readonly position: string;
}

/** Stores a secret, or its new value; whether it is new. The value before is kept for a while, to explain what it signs. */
export async function secretPut(
  tx: TenantTx,
  tenantId: string,
  name: string,
  sealed: SealedSecret,
): Promise<"created" | "updated"> {
  const ciphertext = new Uint8Array(sealed.ciphertext);
  const nonce = new Uint8Array(sealed.nonce);
  await tx.$executeRaw`
    insert into keelson.replaced_secrets (tenant_id, name, ciphertext, nonce, key_version)
    select tenant_id, name, ciphertext, nonce, key_version from keelson.secrets
    where tenant_id = ${tenantId}::uuid and name = ${name} for update
    on conflict (tenant_id, name) do update set
      ciphertext = excluded.ciphertext, nonce = excluded.nonce, key_version = excluded.key_version, replaced_at = now()`;
  const rows = await tx.$queryRaw<{ created: boolean }[]>`
    insert into keelson.secrets (tenant_id, name, ciphertext, nonce, key_version)
    values (${tenantId}::uuid, ${name}, ${ciphertext}, ${nonce}, ${sealed.keyVersion})
    on conflict (tenant_id, name) do update set
      ciphertext = excluded.ciphertext, nonce = excluded.nonce, key_version = excluded.key_version, updated_at = now()
    returning created_at = updated_at as created`;
  return rows[0]?.created === true ? "created" : "updated";
}

/** False: there is none. */
export async function secretDelete(tx: TenantTx, tenantId: string, name: string): Promise<boolean> {
  const { count } = await tx.secret.deleteMany({ where: { tenantId, name } });
  return count > 0;
}

/** Newest first; `before`: the last position of the page before. */
export async function secretList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<SecretHead>> {
  const [at = null, name = null] = page.before?.split("|") ?? [];
  const rows = await tx.$queryRaw<SecretHead[]>`
    select name, created_at as "createdAt", updated_at as "updatedAt",
      extract(epoch from created_at)::text || '|' || name as position
    from keelson.secrets
    where tenant_id = ${tenantId}::uuid
      and (${at}::numeric is null or (extract(epoch from created_at), name) < (${at}::numeric, ${name}))
    order by extract(epoch from created_at) desc, name desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}
