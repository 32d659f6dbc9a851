import { Gauge } from "prom-client";
import type { Metrics } from "./metrics.ts";

/** Connections of a pool by what they do, and who waits for one; read when they are asked for. */
export function gaugePool(
  { registry }: Metrics,
  pool: { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number },
): void {
  void new Gauge({
    name: "keelson_pool_connections",
    help: "Connections to PostgreSQL: busy and idle ones, and callers that wait for one.",
    labelNames: ["state"] as const,
    registers: [registry],
    collect() {
      this.set({ state: "busy" }, pool.totalCount - pool.idleCount);
      this.set({ state: "idle" }, pool.idleCount);
      this.set({ state: "waiting" }, pool.waitingCount);
    },
  });
}
