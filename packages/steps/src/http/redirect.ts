// Where a redirect leads, and what may go with it. Pure; the method changes as browsers change it (fetch, 4.4).
import type { AddressPolicy } from "../egress/addresses.ts";
import { EgressBlocked } from "../egress/egress-blocked.ts";
import { parseTargetUrl } from "../egress/target-url.ts";
import type { Redactor } from "../redact.ts";
import type { AnswerHead } from "./exchange.ts";
import type { Message } from "./message.ts";

export const MOST_REDIRECTS = 5;

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);
const CREDENTIALS = new Set(["authorization", "cookie", "cookie2"]);
const ABOUT_THE_BODY = new Set(["content-encoding", "content-language", "content-location", "content-type"]);

/**
 * The next request, or null where the answer is no redirect. Another origin gets no credentials and no header in which
 * a secret stands.
 * @throws EgressBlocked for a target out of reach, and for a step down from https to http.
 */
export function nextMessage(
  from: Message,
  head: AnswerHead,
  policy: AddressPolicy,
  redactor: Redactor,
): Message | null {
  const location = head.headers.get("location")?.[0];
  if (location === undefined || !REDIRECT_STATUSES.has(head.status)) return null;
  const url = parseTargetUrl(location, policy, from.url);
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    throw new EgressBlocked("The target redirects from https to http.");
  }
  const becomesGet = losesBody(head.status, from.method);
  const isSameOrigin = url.origin === from.url.origin;
  const headers = [...from.headers].filter(([name, value]) => {
    if (becomesGet && ABOUT_THE_BODY.has(name)) return false;
    return isSameOrigin || !(CREDENTIALS.has(name) || redactor.text(value) !== value);
  });
  return {
    method: becomesGet ? "GET" : from.method,
    url,
    headers: new Map(headers),
    body: becomesGet ? null : from.body,
  };
}

function losesBody(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}
