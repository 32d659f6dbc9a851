// A request ready for the wire: target, headers and bytes. Pure.
import type { AddressPolicy } from "../egress/addresses.ts";
import { parseTargetUrl } from "../egress/target-url.ts";
import type { HttpRequestInput, PerformOptions, RequestRecord } from "./attempt.ts";
import { CONTENT_TYPES, encodeBody, encodePairs } from "./body.ts";
import { findHeaderProblem } from "./header-rules.ts";

export interface Message {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer | null;
}

/** The request cannot be sent as it is, now or later. */
export class UnsendableRequest extends Error {
  override readonly name = "UnsendableRequest";
}

const LONGEST_URL = 16 * 1024;

/**
 * @throws EgressBlocked for a URL that may not be reached.
 * @throws UnsendableRequest for headers that cannot be sent, or a URL beyond 16 KiB.
 */
export function prepareMessage(request: HttpRequestInput, options: PerformOptions, policy: AddressPolicy): Message {
  const problem = findHeaderProblem(request.headers);
  if (problem !== null) throw new UnsendableRequest(problem);
  const url = parseTargetUrl(request.url, policy);
  url.search = joinQuery(url.search, request.query);
  if (url.href.length > LONGEST_URL) {
    throw new UnsendableRequest(`The URL takes ${url.href.length} bytes; ${LONGEST_URL} at most can be sent.`);
  }
  const body = encodeBody(request);
  return { method: request.method, url, headers: withDefaults(request, options, body), body };
}

function joinQuery(own: string, query: HttpRequestInput["query"]): string {
  return [own.replace(/^\?/, ""), encodePairs(query)].filter((part) => part !== "").join("&");
}

function withDefaults(request: HttpRequestInput, options: PerformOptions, body: Buffer | null): Map<string, string> {
  const defaults: [string, string][] = [
    ["accept", "*/*"],
    ["accept-encoding", "gzip, deflate, br"],
    ["idempotency-key", options.idempotencyKey],
    ["user-agent", "keelson"],
  ];
  if (body !== null) defaults.push(["content-type", CONTENT_TYPES[request.bodyType]]);
  for (const [name, value] of Object.entries(options.trace ?? {})) defaults.push([name, value]);
  return new Map([...defaults, ...lowerCased(request.headers)]);
}

function lowerCased(headers: HttpRequestInput["headers"]): [string, string][] {
  return Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
}

/** What the record shows of it, not yet redacted; strings of the frozen form win over what was sent. */
export function recordRequest(request: HttpRequestInput, message: Message | null, frozen = request): RequestRecord {
  const query = encodePairs(frozen.query);
  const wasUrlHidden = frozen.url !== request.url || query !== encodePairs(request.query);
  const shownUrl = frozen.url + (query === "" ? "" : `${frozen.url.includes("?") ? "&" : "?"}${query}`);
  return {
    method: request.method,
    url: message === null || wasUrlHidden ? shownUrl : message.url.href,
    headers: Object.fromEntries([...(message?.headers ?? []), ...lowerCased(frozen.headers)]),
    bytes: message?.body?.length ?? 0,
  };
}
