// The one place where an error becomes an answer. Nothing of an error that is not an AppError is ever shown.

import type { ErrorRequestHandler } from "express";
import { AppError } from "./app-error.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { sendProblem } from "./problem-response.ts";
import { requestIdOf } from "./request-context.ts";
import { isDatabaseUnreachable } from "./unreachable.ts";

/** Seconds after which a caller may try again when PostgreSQL could not be reached. */
const RETRY_AFTER_SECONDS = 2;

export function handleErrors(log: Logger, { refusals }: Pick<Metrics, "refusals">): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const refusal = toAppError(error);
    refusals.inc({ code: refusal.code });
    if (refusal.status >= 500) {
      const level = refusal.code === "INTERNAL" ? "error" : "warn";
      log[level]({ err: refusal.cause ?? refusal, request_id: requestIdOf(res), code: refusal.code }, "http.failed");
    }
    // An answer that has begun can only be cut off: its reader must not take it for a whole one.
    if (res.headersSent) res.destroy();
    else sendProblem(res, refusal);
  };
}

/** Maps whatever was thrown to the catalogue: an AppError is itself, what nobody foresaw is `INTERNAL`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (isDatabaseUnreachable(error)) {
    return new AppError("UNAVAILABLE", { cause: error, headers: { "retry-after": String(RETRY_AFTER_SECONDS) } });
  }
  return fromExpress(error) ?? new AppError("INTERNAL", { cause: error });
}

/** Errors that Express and its body parser raise about a request carry a `status` and mostly a `type`. */
function fromExpress(error: unknown): AppError | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  switch ("type" in error ? error.type : undefined) {
    case "entity.too.large":
      return new AppError("PAYLOAD_TOO_LARGE", { ...tooLarge(error), cause: error });
    case "encoding.unsupported":
      return new AppError("UNSUPPORTED_MEDIA_TYPE", {
        detail: "The body must not be encoded: send it as it is, without `Content-Encoding`.",
        cause: error,
      });
    case "request.aborted":
    case "request.size.invalid":
      return new AppError("MALFORMED_HTTP", { detail: "The body ended before its announced length.", cause: error });
    default:
      break;
  }
  // The router's, for a path such as `/%zz`.
  if (error instanceof URIError && error.status === 400) {
    return new AppError("INVALID_REQUEST", { detail: "The path is not well encoded.", cause: error });
  }
  return null;
}

function tooLarge(error: Error): { detail?: string } {
  const limit = "limit" in error ? error.limit : undefined;
  return typeof limit === "number" ? { detail: `The body is larger than the ${limit} bytes that are taken here.` } : {};
}
