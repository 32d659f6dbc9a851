// What the checks of a signature need to know of a webhook trigger, narrower than the trigger itself.

export type SignatureConfig =
  | { readonly scheme: "standard" }
  | { readonly scheme: "github" }
  | { readonly scheme: "stripe" }
  | { readonly scheme: "slack" }
  | { readonly scheme: "shopify" }
  | { readonly scheme: "none" }
  | ({ readonly scheme: "hmac" } & BodyDigestFormat);

/** Where the digest of the raw body stands, and how it is written. */
export interface BodyDigestFormat {
  readonly header: string;
  readonly encoding: "hex" | "base64";
  /** Text before the digest, e.g. `sha256=`; compared exactly. */
  readonly prefix?: string | undefined;
  /** Header that names the delivery; without it nothing is a repeat. */
  readonly idHeader?: string | undefined;
}
