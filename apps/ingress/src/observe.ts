// What an ingress tells of itself beside its log lines.

import type { ProblemCode } from "@keelson/contracts";
import type { Metrics } from "@keelson/service-kit";
import { Counter, Histogram } from "prom-client";
import type { Receipt } from "./receive.ts";

export interface Observer {
  /** `durationMs`: from the end of the request to its answer. */
  answered(verdict: Receipt["kind"], durationMs: number): void;
  refused(code: ProblemCode): void;
}

export function createObserver({ registry }: Metrics): Observer {
  const registers = [registry];
  const deliveries = new Counter({
    name: "keelson_deliveries_total",
    help: "Webhook requests, by verdict: accepted, duplicate, challenged, or the code of the refusal.",
    labelNames: ["verdict"] as const,
    registers,
  });
  const ackSeconds = new Histogram({
    name: "keelson_ack_seconds",
    help: "Time from the last byte of a webhook request to its 2xx answer in seconds, by verdict.",
    labelNames: ["verdict"] as const,
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  return {
    answered(verdict, durationMs) {
      deliveries.inc({ verdict });
      ackSeconds.observe({ verdict }, durationMs / 1000);
    },
    refused: (code) => deliveries.inc({ verdict: code }),
  };
}
