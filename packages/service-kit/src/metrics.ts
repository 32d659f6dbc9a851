import type { RequestHandler } from "express";
import { Counter, Histogram, Registry, collectDefaultMetrics } from "prom-client";

export interface Metrics {
  /** Register a service's own metrics here. */
  readonly registry: Registry;
  /** Seconds from a request's head to the end of its answer, by method, route as declared, and status. */
  readonly httpSeconds: Histogram<"method" | "route" | "status">;
  /** Requests refused or failed, by the code of their answer. */
  readonly refusals: Counter<"code">;
}

/** A registry of its own, with the process's default metrics, each labelled with the service. */
export function createMetrics(options: { readonly service: string }): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service });
  collectDefaultMetrics({ register: registry });
  const httpSeconds = new Histogram({
    name: "keelson_http_request_seconds",
    help: "Duration of HTTP requests in seconds.",
    labelNames: ["method", "route", "status"] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers: [registry],
  });
  const refusals = new Counter({
    name: "keelson_refusals_total",
    help: "HTTP requests that were refused or failed, by code.",
    labelNames: ["code"] as const,
    registers: [registry],
  });
  return { registry, httpSeconds, refusals };
}

export function serveMetrics(metrics: Metrics): RequestHandler {
  return async (_req, res) => {
    const text = await metrics.registry.metrics();
    res.setHeader("content-type", metrics.registry.contentType);
    res.end(text);
  };
}
