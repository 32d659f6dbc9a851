// How a webhook's requests are signed; one schema a scheme, as their inventors specify them.

import { z } from "zod";
import { HeaderName } from "./fields.ts";
import { SecretName } from "./names.ts";

const secrets = z
  .array(SecretName)
  .min(1)
  .max(10)
  .describe("Names of 1 to 10 tenant secrets; a request signed with any of them passes, for rotation.");

export const StandardSignature = z.strictObject({
  scheme: z.literal("standard").optional().describe("Standard Webhooks. The default scheme."),
  secrets,
});
export type StandardSignature = z.infer<typeof StandardSignature>;

export const GithubSignature = z.strictObject({ scheme: z.literal("github"), secrets });
export type GithubSignature = z.infer<typeof GithubSignature>;

export const StripeSignature = z.strictObject({ scheme: z.literal("stripe"), secrets });
export type StripeSignature = z.infer<typeof StripeSignature>;

export const SlackSignature = z.strictObject({ scheme: z.literal("slack"), secrets });
export type SlackSignature = z.infer<typeof SlackSignature>;

export const ShopifySignature = z.strictObject({ scheme: z.literal("shopify"), secrets });
export type ShopifySignature = z.infer<typeof ShopifySignature>;

export const HmacSignature = z.strictObject({
  scheme: z.literal("hmac"),
  secrets,
  header: HeaderName.describe("Header that carries the HMAC-SHA256 of the raw body."),
  encoding: z.enum(["hex", "base64"]).describe("How the signature is written."),
  prefix: z.string().max(100).optional().describe("Text before the signature, such as 'sha256='. Default: none."),
  idHeader: HeaderName.optional().describe(
    "Header that identifies the delivery; a repeat of it starts nothing. Default: none, nothing is a repeat.",
  ),
});
export type HmacSignature = z.infer<typeof HmacSignature>;

export const NoSignature = z.strictObject({
  scheme: z.literal("none").describe("Takes requests of anyone who knows the URL."),
});
export type NoSignature = z.infer<typeof NoSignature>;

export const SIGNATURE_SCHEMES = ["standard", "github", "stripe", "slack", "shopify", "hmac", "none"] as const;

export const Signature = z.discriminatedUnion("scheme", [
  StandardSignature,
  GithubSignature,
  StripeSignature,
  SlackSignature,
  ShopifySignature,
  HmacSignature,
  NoSignature,
]);
export type Signature = z.infer<typeof Signature>;
