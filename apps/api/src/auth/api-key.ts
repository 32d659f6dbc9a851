// The form of an API key: `kee_`, 30 random base62 characters (178 bits), and 6 of their CRC-32, so that a typing error is
// refused without a look-up and scanners know a leaked key when they see one. Kept is its SHA-256 alone: the key is random,
// so that a slow hash would protect nothing.

import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";
import { hashApiKey } from "@keelson/db";

const LEAD = "kee_";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM_CHARS = 30;
const CHECKSUM_CHARS = 6;
const FORM = /^kee_([0-9A-Za-z]{30})([0-9A-Za-z]{6})$/;
/** Shown in lists, to recognise a key by: tells nothing of the rest. */
const PREFIX_CHARS = LEAD.length + 6;

export interface NewApiKey {
  readonly key: string;
  readonly prefix: string;
  /** SHA-256. */
  readonly hash: Uint8Array;
}

export function newApiKey(): NewApiKey {
  const random = Array.from({ length: RANDOM_CHARS }, () => BASE62[randomInt(BASE62.length)]).join("");
  const key = LEAD + random + checksum(random);
  return { key, prefix: key.slice(0, PREFIX_CHARS), hash: hashApiKey(key) };
}

/** Whether it could be a key at all: its form, and its checksum. */
export function isApiKey(text: string): boolean {
  const [, random = "", check] = FORM.exec(text) ?? [];
  return check !== undefined && check === checksum(random);
}

function checksum(random: string): string {
  let rest = crc32(random);
  let text = "";
  for (let digit = 0; digit < CHECKSUM_CHARS; digit++) {
    text = `${BASE62[rest % BASE62.length]}${text}`;
    rest = Math.floor(rest / BASE62.length);
  }
  return text;
}
