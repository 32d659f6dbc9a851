// What a refused request has that looks like a signature, a time or an id, wherever it stands. Bounded in headers, length and
// number, since anyone may have sent it.

import type { RequestHeaders } from "../request-headers.ts";
import type { Expectation } from "./expectation.ts";

export interface Digest {
  readonly header: string;
  /** Whether the header is one that the scheme reads. */
  readonly expected: boolean;
  readonly bytes: Uint8Array;
  readonly encoding: "hex" | "base64" | "base64url";
  /** Characters, as written. */
  readonly length: number;
  /** `cut`: shorter than a SHA-256, and none of the other lengths. */
  readonly kind: "sha256" | "sha1" | "sha512" | "cut";
}

export interface Evidence {
  /** Those of expected headers first. */
  readonly digests: readonly Digest[];
  readonly timestamps: readonly string[];
  readonly ids: readonly string[];
}

const MAX_HEADERS = 12;
const MAX_VALUE_CHARS = 2_048;
const MAX_DIGESTS = 16;
const MAX_TIMESTAMPS = 3;
const MAX_IDS = 2;
/** A shorter piece could be anything. */
const MIN_DIGEST_BYTES = 12;

const SIGNATURE_NAME = /signature|hmac|sha256|digest/;
const TIMESTAMP_NAME = /timestamp/;
const ID_NAME = /^(?:webhook|svix)-id$/;
const HEADER_NAME = /^[a-z0-9_-]{1,64}$/;

export function gatherEvidence(headers: RequestHeaders, expectation: Expectation): Evidence {
  const expects = (name: string): boolean => expectation.headers.includes(name);
  const fields = Object.entries(headers)
    .map(([name, value]) => ({ name: name.toLowerCase(), values: valuesOf(value) }))
    .filter(({ name }) => HEADER_NAME.test(name));
  const signing = fields
    .filter(({ name }) => expects(name) || SIGNATURE_NAME.test(name))
    .sort((a, b) => Number(expects(b.name)) - Number(expects(a.name)))
    .slice(0, MAX_HEADERS);
  const tokens = signing.flatMap(({ name, values }) => values.flatMap(tokensOf).map((token) => ({ name, token })));
  const inSignatures = tokens.flatMap(({ token }) => (/^t=\d{1,15}$/.test(token) ? [token.slice(2)] : []));
  const named = (pattern: RegExp): string[] =>
    fields.filter(({ name }) => pattern.test(name)).flatMap(({ values }) => values);
  return {
    digests: tokens
      .flatMap(({ name, token }) => {
        const digest = readDigest(token);
        return digest === null ? [] : [{ header: name, expected: expects(name), ...digest }];
      })
      .slice(0, MAX_DIGESTS),
    timestamps: unique([...inSignatures, ...named(TIMESTAMP_NAME)]).slice(0, MAX_TIMESTAMPS),
    ids: unique(named(ID_NAME)).slice(0, MAX_IDS),
  };
}

function valuesOf(value: string | readonly string[] | undefined): readonly string[] {
  const values = value === undefined ? [] : typeof value === "string" ? [value] : value;
  return values.filter((text) => text !== "" && text.length <= MAX_VALUE_CHARS).slice(0, MAX_HEADERS);
}

function tokensOf(value: string): readonly string[] {
  return value.split(/[\s,;"]+/).filter((token) => token !== "");
}

/** The digest in `name=<digest>` or `<digest>`; null where it can be none. */
function readDigest(token: string): Omit<Digest, "header" | "expected"> | null {
  const text = token.replace(/^[A-Za-z][A-Za-z0-9_-]{0,15}=(?=.)/, "");
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return ofLength(Buffer.from(text, "hex"), "hex", text);
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64");
  const encoding = bytes.toString("base64") === text ? "base64" : "base64url";
  return ofLength(bytes, encoding, text);
}

function ofLength(
  bytes: Buffer,
  encoding: Digest["encoding"],
  text: string,
): Omit<Digest, "header" | "expected"> | null {
  const { length } = text;
  if (bytes.length === 32) return { bytes, encoding, length, kind: "sha256" };
  if (bytes.length === 20) return { bytes, encoding, length, kind: "sha1" };
  if (bytes.length === 64) return { bytes, encoding, length, kind: "sha512" };
  return bytes.length >= MIN_DIGEST_BYTES && bytes.length < 32 ? { bytes, encoding, length, kind: "cut" } : null;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
