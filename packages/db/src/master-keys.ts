// Which master keys the database's secrets are sealed under, and whether this process has them.
import type { Database, HotQuery } from "./database.ts";
import { type SecretBox, UnknownMasterKeyError } from "./secret-box.ts";

/** Indexes secrets_key_version, replaced_secrets_key_version. */
const BY_KEY: HotQuery = { name: "secrets_by_key", text: "select * from keelson.secrets_by_key($1)" };

/** Nothing is counted beyond this: the count is then at least so much. */
export const SECRETS_COUNT_CAP = 1_000_000;
/** At a start it matters only that there are some. */
const FEW = 100;

export interface SealedUnderKey {
  readonly keyVersion: number;
  /** In force, up to the cap. */
  readonly secrets: number;
  /** Values before the last change, kept for a day. */
  readonly replaced: number;
  /** A few that are in force. */
  readonly samples: readonly { readonly tenantId: string; readonly name: string }[];
}

/** By the key's number; what is sealed under none is not there. */
export function secretsByKey(db: Database, cap = SECRETS_COUNT_CAP): Promise<SealedUnderKey[]> {
  return db.withSystem("the numbers of all tenants' master keys", async ({ call }) => {
    const rows = await call<Omit<SealedUnderKey, "keyVersion"> & { readonly key_version: number }>(BY_KEY, [cap]);
    return rows.map(({ key_version: keyVersion, ...row }) => ({ ...row, keyVersion }));
  });
}

/** What a service cannot open: its number, and why. */
export interface MissingKey {
  readonly keyVersion: number;
  readonly secrets: number;
  readonly replaced: number;
  readonly error: Error;
}

/**
 * The keys that secrets are sealed under and that are not here. Throws where a key is here under the number of another
 * one: to go on would seal under two keys of one number.
 */
export async function missingMasterKeys(db: Database, box: SecretBox): Promise<MissingKey[]> {
  const missing: MissingKey[] = [];
  for (const { keyVersion, secrets, replaced, samples } of await secretsByKey(db, FEW)) {
    if (!box.knows(keyVersion)) {
      missing.push({ keyVersion, secrets, replaced, error: new UnknownMasterKeyError(keyVersion, box.keyVersions) });
      continue;
    }
    const opened = await Promise.all(samples.map((sample) => opens(db, box, sample.tenantId, sample.name, keyVersion)));
    // One that does not open alone is spoilt itself; one that went meanwhile tells nothing.
    if (opened.length > 0 && opened.every((isOpen) => !isOpen)) {
      throw new Error(
        `KEELSON_MASTER_KEY has another key ${keyVersion} than the one that secrets are sealed under. Give the right one ` +
          `back; a new key needs a number of its own in front of the old: \`${keyVersion + 1}:<new>,${keyVersion}:<old>\`.`,
      );
    }
  }
  return missing;
}

/** Tells the log of each of them, with the remedy. */
export async function tellMissingMasterKeys(
  db: Database,
  box: SecretBox,
  log: { error(fields: object, message: string): void },
): Promise<MissingKey[]> {
  const missing = await missingMasterKeys(db, box);
  for (const { keyVersion, secrets, replaced, error } of missing)
    log.error({ key_version: keyVersion, in_force: secrets, replaced, err: error }, "master_key.missing");
  return missing;
}

async function opens(
  db: Database,
  box: SecretBox,
  tenantId: string,
  name: string,
  keyVersion: number,
): Promise<boolean> {
  const row = await db.withTenant(tenantId, (tx) => tx.secret.findFirst({ where: { tenantId, name, keyVersion } }));
  if (row === null) return true;
  try {
    box.open(tenantId, name, row);
    return true;
  } catch {
    return false;
  }
}
