// Signs as the producers document it, apart from the code under test.

import { createHmac, randomUUID } from "node:crypto";
import { webhookSecret } from "@keelson/testkit";
import { Webhook } from "standardwebhooks";

type Headers = Record<string, string>;

/** A secret of Standard Webhooks, as a producer shows it. */
export const WHSEC = webhookSecret(32);
export const OTHER_WHSEC = webhookSecret(32);

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);

export function standardHeaders(
  body: string | Uint8Array,
  options: { readonly secret?: string; readonly id?: string; readonly atMs?: number; readonly type?: string } = {},
): Headers {
  const { secret = WHSEC, id = `msg_${randomUUID()}`, atMs = Date.now(), type = "application/json" } = options;
  const at = new Date(Math.floor(atMs / 1000) * 1000);
  const seconds = Math.floor(atMs / 1000);
  // The library signs text alone; bytes that are no text are signed as the specification says.
  const signature =
    typeof body === "string"
      ? new Webhook(secret).sign(id, at, body)
      : `v1,${hmac(Buffer.from(secret.slice(6), "base64"), [`${id}.${seconds}.`, body], "base64")}`;
  return {
    "content-type": type,
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": signature,
  };
}

export function githubHeaders(body: string, secret: string, delivery: string): Headers {
  return {
    "content-type": "application/json",
    "x-github-event": "push",
    "x-github-delivery": delivery,
    "x-hub-signature-256": `sha256=${hmac(secret, [body], "hex")}`,
  };
}

export function stripeHeaders(body: string, secret: string, seconds = nowSeconds()): Headers {
  return {
    "content-type": "application/json; charset=utf-8",
    "stripe-signature": `t=${seconds},v1=${hmac(secret, [`${seconds}.${body}`], "hex")}`,
  };
}

export function slackHeaders(body: string, secret: string, seconds = nowSeconds()): Headers {
  return {
    "content-type": "application/json",
    "x-slack-request-timestamp": String(seconds),
    "x-slack-signature": `v0=${hmac(secret, [`v0:${seconds}:${body}`], "hex")}`,
  };
}

export function shopifyHeaders(body: string, secret: string, id: string): Headers {
  return {
    "content-type": "application/json",
    "x-shopify-topic": "orders/create",
    "x-shopify-webhook-id": id,
    "x-shopify-hmac-sha256": hmac(secret, [body], "base64"),
  };
}

export function hmac(
  key: string | Uint8Array,
  parts: readonly (string | Uint8Array)[],
  encoding: "hex" | "base64",
): string {
  const digest = createHmac("sha256", key);
  for (const part of parts) digest.update(part);
  return digest.digest(encoding);
}
