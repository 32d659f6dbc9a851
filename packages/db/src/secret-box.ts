// Encrypts tenants' secrets (I8): AES-256-GCM under a key derived for each tenant from the master key, so that no nonce is
// shared between tenants. Tenant and name are authenticated with the value: a row moved to another place does not open.
// Api, ingress and workers use this one.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

export interface SealedSecret {
  /** With the tag of 16 bytes at its end. */
  readonly ciphertext: Uint8Array;
  readonly nonce: Uint8Array;
  /** Which master key. */
  readonly keyVersion: number;
}

export interface SecretBox {
  seal(tenantId: string, name: string, value: string): SealedSecret;
  /** Throws where the ciphertext was changed, belongs to another tenant or name, or to another master key. */
  open(tenantId: string, name: string, sealed: SealedSecret): string;
}

const KEY_VERSION = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Derived keys that are kept; deriving one takes some microseconds. */
const MAX_KEYS = 1_000;

/** `masterKey`: 32 bytes. */
export function createSecretBox(masterKey: Uint8Array): SecretBox {
  if (masterKey.length !== KEY_BYTES) throw new RangeError(`The master key must have ${KEY_BYTES} bytes.`);
  const tenantKeys = new Map<string, Uint8Array>();

  function keyOf(tenantId: string): Uint8Array {
    const known = tenantKeys.get(tenantId);
    if (known !== undefined) return known;
    if (tenantKeys.size >= MAX_KEYS) tenantKeys.clear();
    const key = new Uint8Array(hkdfSync("sha256", masterKey, tenantId, "keelson tenant secrets", KEY_BYTES));
    tenantKeys.set(tenantId, key);
    return key;
  }

  return {
    seal(tenantId, name, value) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyOf(tenantId), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(`${tenantId}|${name}`));
      const ciphertext = Buffer.concat([cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return { ciphertext, nonce, keyVersion: KEY_VERSION };
    },
    open(tenantId, name, { ciphertext, nonce, keyVersion }) {
      if (keyVersion !== KEY_VERSION) throw new Error(`The secret was sealed with master key ${keyVersion}.`);
      if (ciphertext.length < TAG_BYTES) throw new Error("The sealed secret is too short.");
      const tagAt = ciphertext.length - TAG_BYTES;
      const decipher = createDecipheriv("aes-256-gcm", keyOf(tenantId), nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(`${tenantId}|${name}`));
      decipher.setAuthTag(ciphertext.subarray(tagAt));
      return Buffer.concat([decipher.update(ciphertext.subarray(0, tagAt)), decipher.final()]).toString("utf8");
    },
  };
}
