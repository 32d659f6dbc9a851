import { type KeyObject, createSecretKey, hkdfSync } from "node:crypto";
import type { NumberedKey } from "./env-master-keys.ts";

const KEY_BYTES = 32;

/**
 * Of each master key, in their order, a key for HMACs that is used for nothing but `label`. What is signed under the first
 * and checked under each outlasts a change of keys. Keys rather than bytes: to make a key costs more than to sign with it.
 */
export function deriveKeys(
  [first, ...others]: readonly [NumberedKey, ...NumberedKey[]],
  label: string,
): readonly [KeyObject, ...KeyObject[]] {
  const derive = ({ bytes }: NumberedKey): KeyObject =>
    createSecretKey(new Uint8Array(hkdfSync("sha256", bytes, "", label, KEY_BYTES)));
  return [derive(first), ...others.map(derive)];
}
