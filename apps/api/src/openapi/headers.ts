// Headers that have a meaning of their own for a call or an answer, each described once and referred to by name.

import type { JsonObject } from "@keelson/contracts";

interface HeaderDoc {
  readonly description: string;
  readonly schema: JsonObject;
  readonly example: string | number;
}

export const REQUEST_HEADERS = {
  "If-Match": {
    description:
      "Do it only while this is the latest version: a version in quotes, several by comma, or `*`. Else 412.",
    schema: { type: "string", pattern: '^ *(\\*|(W/)?"[^"]*")( *, *(\\*|(W/)?"[^"]*"))* *$' },
    example: '"3"',
  },
  "Idempotency-Key": {
    description:
      "A repeat with the same key returns the first execution, per workflow and for as long as that is kept; 1 to 255 characters. Default: none, every request starts one.",
    schema: { type: "string", minLength: 1, maxLength: 255 },
    example: "order-42",
  },
  "Keelson-Change-Note": {
    description: "Why it was changed, kept with the version: UTF-8, at most 1,000 characters. Default: none.",
    schema: { type: "string" },
    example: "Try the charge five times",
  },
  "Last-Event-ID": {
    description: "Of a stream: go on after this `seq`. Stronger than `after`. Default: from `after` on.",
    schema: { type: "string", pattern: "^\\d{0,10}$" },
    example: "17",
  },
} as const satisfies Record<string, HeaderDoc>;
export type RequestHeader = keyof typeof REQUEST_HEADERS;

/** Read with every call. */
const COMMON_REQUEST_HEADERS: Readonly<Record<string, HeaderDoc>> = {
  "X-Request-Id": {
    description:
      "Id of the request for logs and answers: 1 to 128 letters, digits, `.`, `_`, `:` and `-`, not beginning with a sign. Default: one is made up, also where it has another form.",
    schema: { type: "string" },
    example: "checkout-7f3a",
  },
  traceparent: {
    description:
      "W3C Trace Context: the span that the request, and all that it starts, belongs to. Default: none; one of another form is ignored.",
    schema: { type: "string" },
    example: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  },
};

export const ANSWER_HEADERS = {
  ETag: {
    description: "The latest version, in quotes, fit for `If-Match`.",
    schema: { type: "string", pattern: '^"\\d+"$' },
    example: '"3"',
  },
  Location: {
    description: "Path of what was created.",
    schema: { type: "string", pattern: "^/v1/" },
    example: "/v1/executions/0192f0c1-2a3b-7c4d-8e5f-60718293a4b5",
  },
  Allow: {
    description: "The methods that this path takes.",
    schema: { type: "string" },
    example: "GET, HEAD",
  },
  "Retry-After": {
    description: "Whole seconds to wait before the same request is sent again.",
    schema: { type: "integer", minimum: 1 },
    example: 5,
  },
  "WWW-Authenticate": {
    description: "How to authenticate.",
    schema: { type: "string" },
    example: "Bearer",
  },
  "X-Request-Id": {
    description: "Finds the request in the server's logs; as it was sent, where it was.",
    schema: { type: "string" },
    example: "checkout-7f3a",
  },
  "RateLimit-Limit": {
    description: "Requests a minute of this API key: `apiPerMinute` of its tenant. On answers to API keys.",
    schema: { type: "integer", minimum: 1 },
    example: 600,
  },
  "RateLimit-Remaining": {
    description: "Requests that are left until the reset.",
    schema: { type: "integer", minimum: 0 },
    example: 599,
  },
  "RateLimit-Reset": {
    description: "Seconds until the minute is over.",
    schema: { type: "integer", minimum: 1 },
    example: 42,
  },
  "RateLimit-Policy": {
    description: "The limit, and the seconds over which it counts.",
    schema: { type: "string", pattern: "^\\d+;w=60$" },
    example: "600;w=60",
  },
} as const satisfies Record<string, HeaderDoc>;
export type AnswerHeader = keyof typeof ANSWER_HEADERS;

const OF_EVERY_ANSWER = ["X-Request-Id"] as const;
/** What is there on answers to API keys, and not where nobody is known or the operator calls. */
export const RATE_HEADERS = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"] as const;
const OPTIONAL: ReadonlySet<string> = new Set(RATE_HEADERS);

/** `headers` of a response, with those of every answer. */
export function answerHeaders(names: readonly AnswerHeader[]): JsonObject {
  return Object.fromEntries(
    [...names, ...OF_EVERY_ANSWER].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

/** `parameters` of an operation. */
export function requestHeaders(names: readonly string[]): JsonObject[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** `parameters` of every path. */
export const COMMON_PARAMETERS = requestHeaders(Object.keys(COMMON_REQUEST_HEADERS));

export const HEADER_COMPONENTS = {
  parameters: Object.fromEntries(
    Object.entries({ ...REQUEST_HEADERS, ...COMMON_REQUEST_HEADERS }).map(([name, doc]) => [
      name,
      { name, in: "header", required: false, ...doc },
    ]),
  ),
  headers: Object.fromEntries(
    Object.entries(ANSWER_HEADERS).map(([name, doc]) => [name, { required: !OPTIONAL.has(name), ...doc }]),
  ),
};
