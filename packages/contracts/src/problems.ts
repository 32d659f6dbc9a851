// The closed catalogue of what the services refuse with: one row per `code` of a problem+json body. docs/errors.md is made of it.
// Sentences are public: they name no table, no host and no value of the request.

interface ProblemKind {
  /** HTTP status. */
  readonly status: number;
  /** Short and the same for every occurrence. */
  readonly title: string;
  /** What it means and what to do; the `detail` where an occurrence has none of its own. */
  readonly sentence: string;
  /** True if the same request may succeed later without being changed. */
  readonly retryable: boolean;
}

export const PROBLEMS = {
  INVALID_REQUEST: problem(400, "Invalid request", "A parameter, header or field of the request is not valid."),
  MALFORMED_JSON: problem(400, "Malformed JSON", "The body is not JSON that can be accepted."),
  MALFORMED_BODY: problem(400, "Malformed body", "The body does not parse as its content type says."),
  MALFORMED_HTTP: problem(400, "Malformed HTTP", "What arrived is not a well-formed HTTP request."),
  UNAUTHENTICATED: problem(401, "Not authenticated", "Send a valid, unexpired key as `Authorization: Bearer <key>`."),
  SIGNATURE_INVALID: problem(
    401,
    "Invalid signature",
    "The signature is missing, wrong or too old; nothing was started.",
  ),
  FORBIDDEN_SCOPE: problem(403, "Missing scope", "The API key lacks the scope that this call needs."),
  NOT_FOUND: problem(404, "Not found", "There is nothing here under this path, or not for this key."),
  METHOD_NOT_ALLOWED: problem(405, "Method not allowed", "This path takes other methods: see the header `Allow`."),
  REQUEST_TIMEOUT: retryableProblem(408, "Request timeout", "The request did not arrive completely in time."),
  NAME_TAKEN: problem(409, "Name taken", "Another one already has this name."),
  WORKFLOW_ARCHIVED: problem(
    409,
    "Workflow archived",
    "An archived workflow starts nothing and takes no changes; its name is free for a new one.",
  ),
  EXECUTION_ENDED: problem(409, "Execution ended", "The execution has already ended."),
  EXECUTION_NOT_ENDED: problem(
    409,
    "Execution not ended",
    "The execution has to end before this can be done: wait, or cancel it.",
  ),
  NOTHING_TO_RETRY: problem(
    409,
    "Nothing to retry",
    "No step of the execution failed or was cancelled: to run it again, replay it.",
  ),
  STEP_NOT_WAITING: problem(409, "Step not waiting", "The step is neither in a delay nor in a backoff."),
  TRIGGER_GONE: problem(409, "Trigger gone", "The latest version of the workflow no longer has this trigger."),
  BULK_ACTION_ENDED: problem(409, "Bulk action ended", "The bulk action is over: there is nothing left to cancel."),
  HOOK_GONE: problem(410, "Hook gone", "The workflow of this hook is archived; stop sending to it."),
  RECEIPT_GONE: problem(410, "Receipt gone", "The receipt has expired, or its delivery is no longer kept."),
  VERSION_STALE: problem(
    412,
    "Version stale",
    "The workflow has a newer version than `If-Match` names: read it and try again.",
  ),
  PAYLOAD_TOO_LARGE: problem(413, "Payload too large", "The body is larger than this endpoint takes."),
  UNSUPPORTED_MEDIA_TYPE: problem(
    415,
    "Unsupported media type",
    "The body's content type, charset or encoding is not accepted here.",
  ),
  INVALID_DEFINITION: problem(422, "Invalid definition", "The workflow document has problems: see `errors`."),
  INPUT_INVALID: problem(422, "Invalid input", "The input does not fit the workflow's `inputSchema`: see `errors`."),
  IDEMPOTENCY_MISMATCH: problem(
    422,
    "Idempotency key reused",
    "This `Idempotency-Key` was used with another body; use a new key for a new request.",
  ),
  RATE_LIMITED: retryableProblem(429, "Rate limited", "Too many requests: wait as long as `Retry-After` says."),
  TOO_MANY_UNFINISHED: retryableProblem(
    429,
    "Too many unfinished executions",
    "The tenant has as many unfinished executions as its limit allows: wait until some have ended.",
  ),
  HEADERS_TOO_LARGE: problem(431, "Headers too large", "The request's line and headers are too large."),
  INTERNAL: retryableProblem(500, "Internal error", "Something went wrong here; the `requestId` finds it in the logs."),
  UNAVAILABLE: retryableProblem(503, "Unavailable", "The service cannot take this at the moment: try again shortly."),
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One of several things that are wrong with a request. */
export interface ProblemError {
  /** JSON Pointer into the body; empty for the whole of it. Else the name after `?`, `header:` or `path:`. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** The body of every refusal, as `application/problem+json` (RFC 9457). */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly requestId: string;
  readonly errors?: readonly ProblemError[];
}

export function problemBody(
  code: ProblemCode,
  occurrence: { readonly requestId: string; readonly detail?: string; readonly errors?: readonly ProblemError[] },
): ProblemBody {
  const { status, title, sentence } = PROBLEMS[code];
  return {
    type: `urn:keelson:problem:${code}`,
    title,
    status,
    detail: occurrence.detail ?? sentence,
    code,
    requestId: occurrence.requestId,
    ...(occurrence.errors === undefined ? {} : { errors: occurrence.errors }),
  };
}

function problem(status: number, title: string, sentence: string): ProblemKind {
  return { status, title, sentence, retryable: false };
}

function retryableProblem(status: number, title: string, sentence: string): ProblemKind {
  return { status, title, sentence, retryable: true };
}
