import type { Express, RequestHandler } from "express";
import type { Logger } from "./logger.ts";
import { routePattern } from "./matching-routes.ts";
import type { Metrics } from "./metrics.ts";
import { logFieldsOf, requestIdOf } from "./request-context.ts";

const PROBES = new Set(["/healthz", "/readyz", "/metrics"]);

/**
 * One line and one measurement a request, when its answer has ended or its connection was lost (`outcome` "aborted").
 * Names the route as declared and never the path: the id of an unsigned hook is a secret. Probes are logged at debug.
 */
export function logRequests(deps: {
  readonly app: Express;
  readonly log: Logger;
  readonly metrics: Metrics;
}): RequestHandler {
  return (req, res, next) => {
    const startedAtMs = performance.now();
    const { method, path } = req;
    res.once("close", () => {
      const durationMs = performance.now() - startedAtMs;
      const route = routePattern(deps.app.router, method, path);
      const known = route === null ? "unknown" : method;
      deps.metrics.httpSeconds.observe(
        { method: known, route: route ?? "none", status: String(res.statusCode) },
        durationMs / 1000,
      );
      const fields = {
        ...logFieldsOf(res),
        request_id: requestIdOf(res),
        method,
        route,
        status: res.statusCode,
        duration_ms: Math.round(durationMs * 10) / 10,
        outcome: res.writableFinished ? "answered" : "aborted",
      };
      deps.log[PROBES.has(path) ? "debug" : "info"](fields, "http.request");
    });
    next();
  };
}
