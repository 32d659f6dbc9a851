// Seals what is sealed under older master keys anew, under the one that seals now, while the engine runs.
//  W1. A row is written only if it is still what was read: a value that a tenant puts meanwhile is never lost.
//  W2. Nothing is remembered: whoever begins again, or runs beside another, goes by the rows alone.
//  W3. A value is in memory while its row is worked on, and nowhere else in the clear (I8).
import type { Database, HotQuery, TenantTx } from "./database.ts";
import { type SealedUnderKey, secretsByKey } from "./master-keys.ts";
import type { SealedSecret, SecretBox } from "./secret-box.ts";

/** Index: secrets_key_version, replaced_secrets_key_version. */
const UNDER_KEY: HotQuery = {
  name: "secrets_under_key",
  text: "select * from keelson.secrets_under_key($1, $2, $3, $4)",
};
/** Names to a statement, each a short transaction of its own. */
const BATCH = 200;
/** Before every tenant. */
const START = { tenantId: "00000000-0000-0000-0000-000000000000", name: "" };

export interface SecretRef {
  readonly tenantId: string;
  readonly name: string;
}

export interface Rewrapped {
  readonly rewrapped: number;
  /** Those that did not open: they stay as they are. */
  readonly spoilt: readonly SecretRef[];
  /** What is sealed under which key now. */
  readonly byKey: readonly SealedUnderKey[];
}

interface Options {
  readonly batchSize?: number;
  readonly onBatch?: (rewrapped: number) => void;
  readonly stopping?: AbortSignal;
}

/**
 * Until a pass finds nothing more under the other keys that are here; what is sealed under keys that are not here stays.
 * Safe to cut off, to repeat, and to run twice at once.
 */
export async function rewrapSecrets(db: Database, box: SecretBox, options: Options = {}): Promise<Rewrapped> {
  const spoilt = new Map<string, SecretRef>();
  let rewrapped = 0;
  const isStopped = (): boolean => options.stopping?.aborted === true;
  for (let before = -1; before < rewrapped && !isStopped();) {
    before = rewrapped;
    for (const version of box.keyVersions.filter((version) => version !== box.keyVersion)) {
      for await (const refs of batches(db, version, options.batchSize ?? BATCH)) {
        if (isStopped()) break;
        for (const ref of refs) {
          const done = await rewrapOne(db, box, ref, version);
          if (done === "spoilt") spoilt.set(`${ref.tenantId}|${ref.name}`, ref);
          else rewrapped += done;
        }
        options.onBatch?.(rewrapped);
      }
    }
  }
  return { rewrapped, spoilt: [...spoilt.values()], byKey: await secretsByKey(db) };
}

async function* batches(db: Database, version: number, size: number): AsyncGenerator<SecretRef[]> {
  let after: SecretRef = START;
  for (;;) {
    const { tenantId, name } = after;
    const rows = await db.withSystem("names of all tenants' secrets to be sealed anew", ({ call }) =>
      call<{ tenant_id: string; name: string }>(UNDER_KEY, [version, tenantId, name, size]),
    );
    const refs = rows.map((row) => ({ tenantId: row.tenant_id, name: row.name }));
    if (refs.length > 0) yield refs;
    const last = refs.at(-1);
    if (last === undefined || refs.length < size) return;
    after = last;
  }
}

interface SealedRow extends SealedSecret {
  readonly table: "secrets" | "replaced";
}

/** The secret and the value before its last change: how many of the two were sealed anew. */
function rewrapOne(db: Database, box: SecretBox, ref: SecretRef, version: number): Promise<number | "spoilt"> {
  const { tenantId, name } = ref;
  return db.withTenant(tenantId, async (tx) => {
    const rows = await tx.$queryRaw<SealedRow[]>`
      select 'secrets' as table, ciphertext, nonce, key_version as "keyVersion" from keelson.secrets
      where tenant_id = ${tenantId}::uuid and name = ${name} and key_version = ${version}
      union all
      select 'replaced', ciphertext, nonce, key_version from keelson.replaced_secrets
      where tenant_id = ${tenantId}::uuid and name = ${name} and key_version = ${version}`;
    let written = 0;
    let isSpoilt = false;
    for (const row of rows) {
      const sealed = resealed(box, ref, row);
      if (sealed === null) isSpoilt = true;
      else written += await replace(tx, ref, row, sealed);
    }
    return isSpoilt && written === 0 ? "spoilt" : written;
  });
}

function resealed(box: SecretBox, { tenantId, name }: SecretRef, row: SealedSecret): SealedSecret | null {
  try {
    return box.seal(tenantId, name, box.open(tenantId, name, row));
  } catch {
    return null;
  }
}

/** 0: it is not what it was (W1). Nothing but its seal has changed, so that neither its times nor any cache do. */
function replace(tx: TenantTx, { tenantId, name }: SecretRef, read: SealedRow, sealed: SealedSecret): Promise<number> {
  const [ciphertext, nonce] = [new Uint8Array(sealed.ciphertext), new Uint8Array(sealed.nonce)];
  const [oldCiphertext, oldNonce] = [new Uint8Array(read.ciphertext), new Uint8Array(read.nonce)];
  return read.table === "secrets"
    ? tx.$executeRaw`
        update keelson.secrets set ciphertext = ${ciphertext}, nonce = ${nonce}, key_version = ${sealed.keyVersion}
        where tenant_id = ${tenantId}::uuid and name = ${name} and key_version = ${read.keyVersion}
          and nonce = ${oldNonce} and ciphertext = ${oldCiphertext}`
    : tx.$executeRaw`
        update keelson.replaced_secrets set ciphertext = ${ciphertext}, nonce = ${nonce}, key_version = ${sealed.keyVersion}
        where tenant_id = ${tenantId}::uuid and name = ${name} and key_version = ${read.keyVersion}
          and nonce = ${oldNonce} and ciphertext = ${oldCiphertext}`;
}
