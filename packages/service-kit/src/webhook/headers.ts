// Headers and query of a request as they are kept: for the tenant to look at, and as `trigger` in its templates.

import type { Signature } from "@keelson/contracts";
import { objectOfFields } from "./parse-form.ts";
import { FORBIDDEN_KEYS } from "./parsed-body.ts";

export type ArrivedHeaders = Readonly<Record<string, readonly string[] | undefined>>;

/** Names in lower case; a repeated header's values joined by `, `. */
export type KeptHeaders = Readonly<Record<string, string>>;

const CREDENTIALS = new Set(
  "authorization proxy-authorization cookie x-api-key x-auth-token x-gitlab-token".split(" "),
);
const SIGNATURES = new Set(
  "webhook-signature svix-signature x-hub-signature x-hub-signature-256 stripe-signature x-slack-signature x-shopify-hmac-sha256".split(
    " ",
  ),
);

/** For the list of deliveries: all of them, the values of credentials as `***`. */
export function deliveryHeaders(headers: ArrivedHeaders): KeptHeaders {
  return Object.fromEntries(
    entriesOf(headers).map(([name, value]) => [name, CREDENTIALS.has(name) ? "***" : value] as const),
  );
}

/** For templates, which may send them on: without credentials and without what proves that the producer signed. */
export function triggerHeaders(headers: ArrivedHeaders, signature: Signature): KeptHeaders {
  const own = signature.scheme === "hmac" ? signature.header.toLowerCase() : null;
  return Object.fromEntries(
    entriesOf(headers).filter(([name]) => !CREDENTIALS.has(name) && !SIGNATURES.has(name) && name !== own),
  );
}

/** The query's names and values; what is not UTF-8, and NUL, which cannot be stored, as U+FFFD. */
export function queryOf(search: string): Readonly<Record<string, string | readonly string[]>> {
  const parameters = new URLSearchParams(search.replaceAll("%00", "%EF%BF%BD"));
  const names = [...new Set(parameters.keys())].filter((name) => !FORBIDDEN_KEYS.has(name));
  return objectOfFields(names.map((name) => [name, parameters.getAll(name)] as const));
}

function entriesOf(headers: ArrivedHeaders): readonly (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, values]) =>
    values === undefined || FORBIDDEN_KEYS.has(name) ? [] : [[name, values.join(", ")] as const],
  );
}
