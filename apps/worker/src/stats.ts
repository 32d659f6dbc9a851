// The heartbeat's figures: what an operator sees of a worker.
import { monitorEventLoopDelay } from "node:perf_hooks";

export function createStats(active: () => number) {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  return {
    read() {
      const stats = {
        executions: active(),
        rssBytes: process.memoryUsage.rss(),
        loopLagP99Ms: Math.round(delay.percentile(99) / 1e4) / 100,
      };
      delay.reset();
      return stats;
    },
  };
}
