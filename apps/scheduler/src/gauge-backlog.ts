// The queue as gauges, looked at now and then: its indexes hold what has not ended, so that history costs nothing.
import type { Backlog } from "@keelson/db";
import type { Metrics } from "@keelson/service-kit";
import { Gauge } from "prom-client";

export interface BacklogGauges {
  /** Asks PostgreSQL, and Redis for its untaken hints; each failure leaves the others. */
  readonly runOnce: () => Promise<void>;
}

export function createBacklogGauges(
  { registry }: Metrics,
  deps: { readonly backlog: () => Promise<Backlog>; readonly hints: () => Promise<number | null> },
): BacklogGauges {
  const registers = [registry];
  const executions = new Gauge({
    name: "keelson_executions_unfinished",
    help: "Executions that have not ended, by state, over all tenants, each up to 100,000; ready: due, and nobody's yet.",
    labelNames: ["state"] as const,
    registers,
  });
  const oldest = new Gauge({
    name: "keelson_oldest_ready_seconds",
    help: "How long the oldest execution that is due has waited for a worker, in seconds.",
    registers,
  });
  const hints = new Gauge({
    name: "keelson_hints_waiting",
    help: "Hints in Redis that no worker has taken.",
    registers,
  });
  return {
    async runOnce() {
      const [backlog, untaken] = await Promise.all([deps.backlog(), deps.hints()]);
      const { unfinished, queued, held, running, ready, oldestReadySeconds } = backlog;
      const waiting = Math.max(0, unfinished - queued - held - running);
      for (const [state, count] of Object.entries({ queued, held, running, waiting, ready })) {
        executions.set({ state }, count);
      }
      oldest.set(Math.max(0, oldestReadySeconds ?? 0));
      if (untaken !== null) hints.set(untaken);
    },
  };
}
