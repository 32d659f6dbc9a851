// Headers that have a meaning of their own for a call or an answer, each described once.

interface HeaderDoc {
  readonly description: string;
  readonly schema: Readonly<Record<string, unknown>>;
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
      "A repeat with the same key returns the first execution, per workflow and for as long as that is kept. Default: none, every request starts one.",
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
} as const satisfies Record<string, HeaderDoc>;
export type AnswerHeader = keyof typeof ANSWER_HEADERS;
