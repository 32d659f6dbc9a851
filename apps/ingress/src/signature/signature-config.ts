import type { HmacSignature, Signature } from "@keelson/contracts";

/** A webhook trigger's `signature` without the names of its secrets: verification is given their values. */
export type SignatureConfig = WithoutSecrets<Signature>;

type WithoutSecrets<S> = S extends unknown ? Omit<S, "secrets"> : never;

/** Where the digest of the raw body stands, and how it is written. */
export type BodyDigestFormat = Omit<HmacSignature, "scheme" | "secrets">;
