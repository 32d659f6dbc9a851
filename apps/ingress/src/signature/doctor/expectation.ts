// What a scheme expects of a request, in the terms in which senders get it wrong.

import { assertNever } from "@keelson/contracts";
import { GITHUB_FORMAT, SHOPIFY_FORMAT } from "../body-digest.ts";
import type { BodyDigestFormat, SignatureConfig } from "../signature-config.ts";

/** What is signed, named after the scheme that signs so; `body`: nothing but the body (github, shopify, hmac). */
export type Construction = "standard" | "stripe" | "slack" | "body";
/** How a secret becomes a key. `unprefixed`: as text, without its `whsec_`. */
export type KeyForm = "text" | "base64" | "unprefixed" | "hex";

export interface Expectation {
  readonly scheme: string;
  /** The signature's headers, lower case; the first is the one to name. */
  readonly headers: readonly [string, ...string[]];
  readonly encoding: "hex" | "base64";
  readonly prefix: string;
  readonly construction: Construction;
  readonly keyForm: KeyForm;
}

/** How what is signed is written down for people. */
export const CONTENT_OF: Readonly<Record<Construction, string>> = {
  standard: '"<id>.<timestamp>.<body>"',
  stripe: '"<timestamp>.<body>"',
  slack: '"v0:<timestamp>:<body>"',
  body: "the body alone",
};

/** The form in which a scheme of this construction uses a secret. */
export function keyFormOf(construction: Construction): KeyForm {
  return construction === "standard" ? "base64" : "text";
}

/** Null for `none`, which expects nothing. */
export function expectationOf(config: SignatureConfig): Expectation | null {
  switch (config.scheme) {
    case "none":
      return null;
    case undefined:
    case "standard":
      return signs("standard", ["webhook-signature", "svix-signature"], "base64", "v1,", "standard");
    case "stripe":
      return signs("stripe", ["stripe-signature"], "hex", "v1=", "stripe");
    case "slack":
      return signs("slack", ["x-slack-signature"], "hex", "v0=", "slack");
    case "github":
      return ofBody("github", GITHUB_FORMAT);
    case "shopify":
      return ofBody("shopify", SHOPIFY_FORMAT);
    case "hmac":
      return ofBody("hmac", config);
    default:
      return assertNever(config);
  }
}

function ofBody(scheme: string, format: BodyDigestFormat): Expectation {
  return signs(scheme, [format.header.toLowerCase()], format.encoding, format.prefix ?? "", "body");
}

function signs(
  scheme: string,
  headers: Expectation["headers"],
  encoding: Expectation["encoding"],
  prefix: string,
  construction: Construction,
): Expectation {
  return { scheme, headers, encoding, prefix, construction, keyForm: keyFormOf(construction) };
}
