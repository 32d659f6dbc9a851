// The heartbeat: what an operator sees of a worker, without asking it. It goes along with the renewal of the lease.
import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isEnded, type WorkerHeartbeat } from "@keelson/contracts";
import type { SessionObserver } from "@keelson/engine";

/** Of the timer whose lateness is the lag; ms. */
const RESOLUTION_MS = 20;

export interface Stats {
  /** The figures since the last time that they were read. */
  read(): WorkerHeartbeat;
  /** Counts what `observer` is told. */
  counting(observer: SessionObserver): SessionObserver;
}

export function createStats(deps: {
  readonly load: () => Pick<WorkerHeartbeat, "executions" | "waiting">;
  readonly slots: number;
  readonly stopping: AbortSignal;
}): Stats {
  const host = hostname();
  const counts = { commits: 0, attempts: 0, attemptsFailed: 0, ended: 0 };
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  return {
    read() {
      // Times between two ticks of a timer: those of an idle process lie at its interval. Without one yet it says 0.
      const lagMs = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS);
      delay.reset();
      return {
        host,
        pid: process.pid,
        ...deps.load(),
        slots: deps.slots,
        rssBytes: process.memoryUsage.rss(),
        loopLagP99Ms: Math.round(lagMs * 100) / 100,
        draining: deps.stopping.aborted,
        ...counts,
      };
    },
    counting: (observer) => ({
      ...observer,
      committed(execution, what) {
        counts.commits += 1;
        if (isEnded(what.state.status)) counts.ended += 1;
        observer.committed(execution, what);
      },
      attempted(execution, what) {
        counts.attempts += 1;
        if (what.outcome !== "succeeded") counts.attemptsFailed += 1;
        observer.attempted(execution, what);
      },
    }),
  };
}
