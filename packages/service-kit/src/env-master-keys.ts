// The master keys as an environment variable has them: `[<number>:]<32 bytes in base64>`, parted by commas or line breaks. The
// first one seals; those behind it open what is sealed under them still, or soon will be.

import { z } from "zod";

export interface NumberedKey {
  readonly version: number;
  readonly bytes: Uint8Array;
}

const KEY = /^(?:([1-9]\d{0,8}):)?([A-Za-z0-9+/]{43}=)$/;
const KEY_BYTES = 32;
const EXPECTED =
  "expected 32 bytes in base64, or several such keys parted by commas, each with its number, as in 2:<key>,1:<key>";

/** A key without a number is number 1. */
export function envMasterKeys(): z.ZodType<readonly [NumberedKey, ...NumberedKey[]], string> {
  return z.string().transform((text, context) => {
    const parts = text.split(/[,\s]+/).filter((part) => part !== "");
    const keys = parts.map(numberedKey).filter((key) => key !== null);
    const [first, ...others] = keys;
    const twice = keys.find(({ version }, at) => keys.findIndex((key) => key.version === version) < at);
    if (first !== undefined && keys.length === parts.length && twice === undefined) return [first, ...others];
    const message = twice === undefined ? EXPECTED : `names two keys with the number ${twice.version}`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });
}

function numberedKey(text: string): NumberedKey | null {
  const [, version = "1", key = ""] = KEY.exec(text) ?? [];
  const bytes = Buffer.from(key, "base64");
  return bytes.length === KEY_BYTES && bytes.toString("base64") === key ? { version: Number(version), bytes } : null;
}
