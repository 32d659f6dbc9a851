// The refusals of a call: those that follow from its declaration, and those that it names itself. One response a status,
// with the codes that it may carry; responses with the same codes are one component.

import { type Json, type JsonObject, PROBLEMS, type ProblemCode, problemBody } from "@keelson/contracts";
import type { Route } from "../http/route.ts";
import { answerHeaders } from "./headers.ts";

const REQUEST_ID = "0192f0c1-2a3b-7c4d-8e5f-60718293a4b5";

/** Of every call of its kind. */
export function refusalsOf({ method, access, params, doc }: Route): ProblemCode[] {
  const takesBody = method !== "get" && method !== "delete";
  const isKeyed = access !== "operator" && access !== "anyone";
  return [
    "INVALID_REQUEST",
    "MALFORMED_HTTP",
    ...(takesBody ? (["MALFORMED_JSON", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"] as const) : []),
    "UNAUTHENTICATED",
    ...(isKeyed ? (["FORBIDDEN_SCOPE"] as const) : []),
    ...(params === undefined ? [] : (["NOT_FOUND"] as const)),
    "METHOD_NOT_ALLOWED",
    "RATE_LIMITED",
    "INTERNAL",
    "UNAVAILABLE",
    ...doc.refusals,
  ];
}

export interface Refusals {
  /** `responses` of an operation, by status. */
  responses(codes: readonly ProblemCode[]): JsonObject;
  /** All that were referred to, by name. */
  components(): Record<string, JsonObject>;
}

export function createRefusals(): Refusals {
  const used = new Map<string, JsonObject>();
  return {
    responses(codes) {
      const byStatus = Map.groupBy(new Set(codes), (code) => PROBLEMS[code].status);
      return Object.fromEntries(
        [...byStatus].map(([status, codes]) => {
          const name = [...codes].sort().join(".");
          used.set(name, responseOf(status, codes));
          return [String(status), { $ref: `#/components/responses/${name}` }];
        }),
      );
    },
    components: () => Object.fromEntries([...used].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function responseOf(status: number, codes: readonly ProblemCode[]): JsonObject {
  const examples = codes.map((code): [string, Json] => {
    const { title } = PROBLEMS[code];
    return [code, { summary: title, value: JSON.parse(JSON.stringify(problemBody(code, { requestId: REQUEST_ID }))) }];
  });
  const schema = {
    allOf: [{ $ref: "#/components/schemas/Problem" }],
    properties: { status: { const: status }, code: { enum: [...codes] } },
  };
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].sentence}`).join("\n\n"),
    headers: answerHeaders(headersOf(status, codes)),
    content: { "application/problem+json": { schema, examples: Object.fromEntries(examples) } },
  };
}

function headersOf(status: number, codes: readonly ProblemCode[]) {
  switch (status) {
    case 401:
      // A wrong signature of a webhook is not answered with a way to sign in.
      return codes.includes("UNAUTHENTICATED") ? (["WWW-Authenticate"] as const) : [];
    case 405:
      return ["Allow"] as const;
    case 429:
    case 503:
      return ["Retry-After"] as const;
    default:
      return [];
  }
}
