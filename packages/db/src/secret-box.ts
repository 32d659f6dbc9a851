// Encrypts tenants' secrets (I8): AES-256-GCM under a key derived for each tenant from a master key, so that no nonce is
// shared between tenants. Tenant and name are authenticated with the value: a row moved to another place does not open.
// Api, ingress and workers use this one. Master keys are numbered: the first one seals, each of them opens its own.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface SealedSecret {
  /** With the tag of 16 bytes at its end. */
  readonly ciphertext: Uint8Array;
  readonly nonce: Uint8Array;
  /** Which master key. */
  readonly keyVersion: number;
}

export interface MasterKey {
  readonly version: number;
  /** 32. */
  readonly bytes: Uint8Array;
}

/** The first one seals; the others open what was, or will be, sealed under them. */
export type MasterKeys = readonly [MasterKey, ...(readonly MasterKey[])];

export interface SecretBox {
  /** Of the master key that seals. */
  readonly keyVersion: number;
  /** Of all that are here. */
  readonly keyVersions: readonly number[];
  knows(keyVersion: number): boolean;
  seal(tenantId: string, name: string, value: string): SealedSecret;
  /**
   * Throws UnknownMasterKeyError where it was sealed under a master key that is not here; throws too where the ciphertext was
   * changed, belongs to another tenant or name, or the key of that number is another one.
   */
  open(tenantId: string, name: string, sealed: SealedSecret): string;
}

export class UnknownMasterKeyError extends Error {
  override readonly name = "UnknownMasterKeyError";
  constructor(version: number, known: readonly number[]) {
    super(
      `A secret is sealed under master key ${version}, and KEELSON_MASTER_KEY has ${known.join(", ")} alone: ` +
        `write key ${version} behind them, as \`${version}:<key>\`, and restart.`,
    );
  }
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Derived keys that are kept; deriving one takes some microseconds. */
const MAX_KEYS = 1_000;

/** Throws RangeError where a key has not 32 bytes, or a number twice. */
export function createSecretBox(keys: MasterKeys): SecretBox {
  const byVersion = new Map(keys.map((key) => [key.version, key.bytes]));
  if (byVersion.size !== keys.length) throw new RangeError("Two master keys have the same number.");
  if (keys.some(({ bytes }) => bytes.length !== KEY_BYTES))
    throw new RangeError(`A master key must have ${KEY_BYTES} bytes.`);
  const [{ version: keyVersion }] = keys;
  const derived = new Map<string, Uint8Array>();

  function keyOf(version: number, tenantId: string): Uint8Array {
    const id = `${version}|${tenantId}`;
    const known = derived.get(id);
    if (known !== undefined) return known;
    const masterKey = byVersion.get(version);
    if (masterKey === undefined) throw new UnknownMasterKeyError(version, [...byVersion.keys()]);
    if (derived.size >= MAX_KEYS) derived.clear();
    const key = new Uint8Array(hkdfSync("sha256", masterKey, tenantId, "keelson tenant secrets", KEY_BYTES));
    derived.set(id, key);
    return key;
  }

  return {
    keyVersion,
    keyVersions: [...byVersion.keys()],
    knows: (version) => byVersion.has(version),
    seal(tenantId, name, value) {
      const nonce = newNonce();
      const cipher = createCipheriv("aes-256-gcm", keyOf(keyVersion, tenantId), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(`${tenantId}|${name}`));
      const ciphertext = Buffer.concat([cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return { ciphertext, nonce, keyVersion };
    },
    open(tenantId, name, sealed) {
      const key = keyOf(sealed.keyVersion, tenantId);
      if (sealed.ciphertext.length < TAG_BYTES) throw new Error("The sealed secret is too short.");
      const tagAt = sealed.ciphertext.length - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(`${tenantId}|${name}`));
      decipher.setAuthTag(sealed.ciphertext.subarray(tagAt));
      return Buffer.concat([decipher.update(sealed.ciphertext.subarray(0, tagAt)), decipher.final()]).toString("utf8");
    },
  };
}

/** Random: no counter could be kept in step over processes. Within one tenant's key, two in 2^32 are alike by 2^-33. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}
