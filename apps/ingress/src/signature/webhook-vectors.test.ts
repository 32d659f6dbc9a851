// Published and derived vectors of every scheme, byte for byte and at their own clock.

import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { SignatureVerdict } from "./refusal.ts";
import { verifyBodyDigest } from "./body-digest.ts";
import { readStandardSecret } from "./standard-secret.ts";
import type { SignatureConfig } from "./signature-config.ts";
import { verifySignature } from "./verify-signature.ts";

const Vector = z.object({
  scheme: z.string(),
  now: z.number().optional(),
  secret: z.union([z.string(), z.array(z.string()), z.null()]),
  secretHex: z.string().optional(),
  publicKey: z.string().optional(),
  body: z.string().nullable(),
  bodyHex: z.string().optional(),
  bodyRepeat: z.object({ char: z.string(), count: z.number() }).optional(),
  headers: z.record(z.string(), z.string()),
  valid: z.boolean(),
  note: z.string().optional(),
});
type Vector = z.infer<typeof Vector>;

const file = new URL("fixtures/webhook-vectors.json", import.meta.url);
const { cases } = z.object({ cases: z.array(Vector) }).parse(JSON.parse(readFileSync(file, "utf8")));

const HEX_HMAC = { scheme: "hmac", header: "signature", encoding: "hex" } as const;
const CONFIGS: Record<string, SignatureConfig> = {
  svix: { scheme: "standard" },
  "standard-webhooks": { scheme: "standard" },
  "standard-webhooks-v1a": { scheme: "standard" },
  github: { scheme: "github" },
  "slack-v0": { scheme: "slack" },
  stripe: { scheme: "stripe" },
  shopify: { scheme: "shopify" },
  "hmac-sha256-hex": HEX_HMAC,
};

describe("webhook vectors", () => {
  it("has lost no case of the file", () => {
    expect(cases).toHaveLength(54);
  });

  it.each(cases.map((vector, index) => ({ vector, title: titleOf(vector, index) })))("$title", ({ vector }) => {
    expect(verdictFor(vector)).toBe(vector.valid);
  });
});

function titleOf(vector: Vector, index: number): string {
  return `${vector.valid ? "accepts" : "refuses"} ${vector.scheme} #${index}: ${vector.note ?? "as published"}`;
}

function verdictFor(vector: Vector): boolean {
  if (vector.scheme === "standard-webhooks-secret-format") {
    return readStandardSecret(String(vector.secret)).kind === "hmac";
  }
  return verify(vector).ok;
}

function verify(vector: Vector): SignatureVerdict {
  const rawBody = bodyOf(vector);
  if (vector.secretHex !== undefined) {
    const keys = [createSecretKey(vector.secretHex, "hex")];
    return verifyBodyDigest(HEX_HMAC, { rawBody, headers: vector.headers, keys });
  }
  return verifySignature({
    signature: CONFIGS[vector.scheme]!,
    rawBody,
    headers: vector.headers,
    secrets: [vector.publicKey ?? vector.secret ?? []].flat(),
    nowMs: (vector.now ?? 0) * 1000,
  });
}

function bodyOf(vector: Vector): Uint8Array {
  if (vector.bodyHex !== undefined) return Buffer.from(vector.bodyHex, "hex");
  if (vector.bodyRepeat !== undefined) return Buffer.from(vector.bodyRepeat.char.repeat(vector.bodyRepeat.count));
  return Buffer.from(vector.body ?? "", "utf8");
}
