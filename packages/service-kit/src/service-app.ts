import express, { type Express, type RequestHandler } from "express";
import helmet from "helmet";
import { AppError } from "./app-error.ts";
import { handleErrors } from "./handle-errors.ts";
import { type ReadinessCheck, serveAlive, serveReadiness } from "./health.ts";
import { logRequests } from "./log-requests.ts";
import type { Logger } from "./logger.ts";
import { type Metrics, serveMetrics } from "./metrics.ts";
import { refuseUnknownRoutes } from "./refuse-unknown-routes.ts";
import { assignRequestId } from "./request-context.ts";
import { traceRequests } from "./tracing/trace-requests.ts";
import { type Tracing, untraced } from "./tracing/tracing.ts";

/**
 * An Express app as every service has it: request ids, one log line a request, safe headers, `/healthz`, `/readyz`,
 * `/metrics`, the service's own routes, and problem+json for all that is refused. Paths are case-sensitive.
 */
export function createServiceApp(options: {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly checks: readonly ReadinessCheck[];
  /** Aborted when the service begins to stop; from then on `/readyz` answers 503. */
  readonly stopping: AbortSignal;
  /** Default: a caller's context is handed on, nothing is recorded. */
  readonly tracing?: Tracing | undefined;
  /** Adds the service's own handlers. Body readers belong to the routes that need them. */
  readonly routes?: (app: Express) => void;
}): Express {
  const { log, metrics, checks, stopping } = options;
  const app = express();
  app.disable("x-powered-by");
  app.enable("case sensitive routing");
  // An ETag here means the version of a workflow, and is set by hand.
  app.disable("etag");
  app.use(assignRequestId());
  app.use(logRequests({ app, log, metrics }));
  app.use(traceRequests({ app, tracing: options.tracing ?? untraced }));
  app.use(helmet());
  app.use(requireHost());
  app.get("/healthz", serveAlive());
  app.get("/readyz", serveReadiness({ checks, stopping, log }));
  app.get("/metrics", serveMetrics(metrics));
  options.routes?.(app);
  app.use(refuseUnknownRoutes(app));
  app.use(handleErrors(log, metrics));
  return app;
}

/** node:http would refuse such a request itself, but with an empty answer. */
function requireHost(): RequestHandler {
  return (req, _res, next) => {
    if (req.headers.host === undefined && req.httpVersion === "1.1") {
      throw new AppError("MALFORMED_HTTP", { detail: 'The request has no "host" header.' });
    }
    next();
  };
}
