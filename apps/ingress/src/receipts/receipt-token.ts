// What makes a `statusUrl` its bearer's alone: 96 characters that name a delivery and its tenant until a given time, signed
// by HMAC-SHA-256 under a key that is derived from the master key for nothing else.
//  version (2) | tenant (16) | delivery (16) | expiry in seconds since 1970 (6) | HMAC of the 40 before (32)

import { type KeyObject, createHmac, timingSafeEqual } from "node:crypto";
import type { MasterKeys } from "@keelson/db";
import { deriveKeys } from "@keelson/service-kit";
import { parse, stringify } from "uuid";

export interface ReceiptTokens {
  issue(delivery: DeliveryRef): string;
  /** `forged`: not one of these tokens, whatever is wrong with it. An expired one was genuine. */
  read(token: string): ReadToken;
}

export type ReadToken =
  | ({ readonly kind: "valid" } & DeliveryRef)
  | { readonly kind: "expired" }
  | { readonly kind: "forged" };

export interface DeliveryRef {
  readonly tenantId: string;
  readonly deliveryId: string;
}

const LIFETIME_SECONDS = 24 * 60 * 60;
const VERSION = 1;
const PAYLOAD_BYTES = 40;
const KEY_LABEL = "keelson delivery receipts";
/** 72 bytes in base64url, no bit of which is left over: a token is written in one way only. */
const TOKEN = /^[A-Za-z0-9_-]{96}$/;

/** Signed under the first key, read under each: a receipt outlasts a change of keys. `nowMs`: milliseconds since 1970. */
export function createReceiptTokens(masterKeys: MasterKeys, nowMs: () => number): ReceiptTokens {
  const keys = deriveKeys(masterKeys, KEY_LABEL);
  const nowSeconds = (): number => Math.floor(nowMs() / 1000);
  return {
    issue({ tenantId, deliveryId }) {
      const payload = Buffer.alloc(PAYLOAD_BYTES);
      payload.writeUInt16BE(VERSION, 0);
      payload.set(parse(tenantId), 2);
      payload.set(parse(deliveryId), 18);
      payload.writeUIntBE(nowSeconds() + LIFETIME_SECONDS, 34, 6);
      return Buffer.concat([payload, sign(keys[0], payload)]).toString("base64url");
    },
    read(token) {
      if (!TOKEN.test(token)) return { kind: "forged" };
      const bytes = Buffer.from(token, "base64url");
      const payload = bytes.subarray(0, PAYLOAD_BYTES);
      const mac = bytes.subarray(PAYLOAD_BYTES);
      if (!keys.some((each) => timingSafeEqual(mac, sign(each, payload)))) return { kind: "forged" };
      if (payload.readUInt16BE(0) !== VERSION) return { kind: "forged" };
      if (payload.readUIntBE(34, 6) <= nowSeconds()) return { kind: "expired" };
      return { kind: "valid", tenantId: stringify(payload, 2), deliveryId: stringify(payload, 18) };
    },
  };
}

function sign(key: KeyObject, payload: Uint8Array): Buffer {
  return createHmac("sha256", key).update(payload).digest();
}
