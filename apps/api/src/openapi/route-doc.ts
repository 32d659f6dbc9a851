// What a call's declaration says of it for the OpenAPI document, beside the schemas that parse its requests and check its
// answers. All else in the document is derived from those: see operation.ts.

import type { ProblemCode } from "@keelson/contracts";
import type { z } from "zod";
import type { AnswerHeader, RequestHeader } from "./headers.ts";
import type { Tag } from "./tags.ts";

export interface RouteDoc {
  /** Verb and noun in camelCase, unique: `createTenant`. Clients that are generated have it as a function's name. */
  readonly operationId: string;
  readonly tag: Tag;
  /** One line in the imperative, without a full stop. */
  readonly summary: string;
  /** Sentences (Markdown) on what the schemas cannot say: when it refuses, what lasts, what follows later. */
  readonly description?: string;
  /**
   * What it refuses with beside what every call of its kind does. Derived, and not to be listed: `UNAUTHENTICATED`,
   * `FORBIDDEN_SCOPE`, `INVALID_REQUEST`, `NOT_FOUND` where the path has parameters, `RATE_LIMITED`, `INTERNAL`,
   * `UNAVAILABLE`; of POST, PUT and PATCH also `MALFORMED_JSON`, `PAYLOAD_TOO_LARGE` and `UNSUPPORTED_MEDIA_TYPE`.
   */
  readonly refusals: readonly ProblemCode[];
  /** A request's body that is accepted. Every call with a body has one. */
  readonly example?: unknown;
  /** What the body is, where the handler parses it with more care than a schema can take. Default: the route's `body`. */
  readonly bodySchema?: z.ZodType;
  /** Headers that it reads, beside `Authorization` and those of every call. */
  readonly requestHeaders?: readonly RequestHeader[];
  /** Headers of its answers by status, beside those of every answer. */
  readonly answerHeaders?: Readonly<Record<number, readonly AnswerHeader[]>>;
  /** Of a call that can also answer 200 with `text/event-stream`: what is in the stream. */
  readonly stream?: string;
}
