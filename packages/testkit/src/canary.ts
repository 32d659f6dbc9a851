// Secrets for tests, each with a mark in it that stands nowhere else: so that whatever the system has written can be searched
// for all of them at once (leak-search.ts). API keys, which the system makes itself, are noted as they are told.
import { randomBytes } from "node:crypto";

/**
 * Base64 of 12 bytes, letters and digits alone: the same in JSON and in URLs, found in a webhook's secret as well as in the
 * bytes that it stands for.
 */
export const SECRET_MARK = "Kq7ZxV3mW9tRb5Yc";

const noted = new Set<string>();

/** A value for a secret: its mark, then `about`, then something random. */
export function secretValue(about = "value"): string {
  return `${SECRET_MARK}-${about}-${randomBytes(6).toString("hex")}`;
}

/** As Standard Webhooks has it: `whsec_` and base64 of `bytes` bytes, the first 12 of which are the mark's. */
export function webhookSecret(bytes = 24): string {
  const key = Buffer.concat([Buffer.from(SECRET_MARK, "base64"), randomBytes(bytes - 12)]);
  return `whsec_${key.toString("base64")}`;
}

/** 32 bytes, the first 12 of which are the mark's. */
export function masterKeyBytes(): Buffer {
  return Buffer.concat([Buffer.from(SECRET_MARK, "base64"), randomBytes(20)]);
}

/** A secret that was made elsewhere, such as an API key: it is searched for as well, by this test file. The text itself. */
export function noteSecret(text: string): string {
  noted.add(text);
  return text;
}

/** What is searched for here. */
export function secretsToFind(): readonly string[] {
  return [SECRET_MARK, ...noted];
}
