// The span of a request, and the context that what it starts is to belong to.

import { parseTraceContext, type TraceContext } from "@keelson/contracts";
import type { Express, RequestHandler, Response } from "express";
import { routePattern } from "../matching-routes.ts";
import { requestIdOf } from "../request-context.ts";
import type { Tracing } from "./tracing.ts";

const PROBES = new Set(["/healthz", "/readyz", "/metrics"]);

/** One span a request, under the caller's; named by the route as declared, since paths hold ids. Probes have none. */
export function traceRequests({ app, tracing }: { readonly app: Express; readonly tracing: Tracing }): RequestHandler {
  return (req, res, next) => {
    if (PROBES.has(req.path)) return next();
    const { method, path } = req;
    const parent = parseTraceContext(req.get("traceparent"), req.get("tracestate"));
    if (!tracing.isRecording) {
      res.locals["trace"] = parent;
      return next();
    }
    const name = `${method} ${routePattern(app.router, method, path) ?? "unknown"}`;
    const span = tracing.begin(name, { parent, kind: "server" });
    res.locals["trace"] = span.context;
    res.once("close", () => {
      const { statusCode } = res;
      span.end({
        attributes: {
          "http.request.method": method,
          "http.response.status_code": statusCode,
          "keelson.request_id": requestIdOf(res),
        },
        failure: statusCode >= 500 ? String(statusCode) : undefined,
      });
    });
    next();
  };
}

/** What an execution started by this request is to remember; null where nobody traces. */
export function traceOf(res: Response): TraceContext | null {
  const trace: unknown = res.locals["trace"];
  return isTraceContext(trace) ? trace : null;
}

function isTraceContext(value: unknown): value is TraceContext {
  return typeof value === "object" && value !== null && "traceparent" in value;
}
