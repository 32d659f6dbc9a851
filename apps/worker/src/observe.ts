// What a worker tells of itself: metrics, and one wide log line for each attempt and each end.
import { isEnded } from "@keelson/contracts";
import type { RunnerLog, SessionObserver } from "@keelson/engine";
import type { Logger, Metrics, Tracing } from "@keelson/service-kit";
import { Counter, Gauge, Histogram } from "prom-client";
import { traceEnd } from "./trace-executions.ts";

const SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function createObserver(log: Logger, { registry }: Metrics, tracing: Tracing): SessionObserver {
  const registers = [registry];
  const executions = new Counter({
    name: "keelson_executions_total",
    help: "Executions that ended here, by status.",
    labelNames: ["status"] as const,
    registers,
  });
  const executionSeconds = new Histogram({
    name: "keelson_execution_seconds",
    help: "Seconds from an execution's start to its end, by status.",
    labelNames: ["status"] as const,
    buckets: [...SECONDS, 300, 3_600, 86_400],
    registers,
  });
  const steps = new Counter({
    name: "keelson_steps_total",
    help: "Step runs that ended here, by status.",
    labelNames: ["status"] as const,
    registers,
  });
  const retries = new Counter({
    name: "keelson_retries_total",
    help: "Attempts that failed and are to be made again.",
    registers,
  });
  const commits = new Counter({
    name: "keelson_commits_total",
    help: "Commits of transitions that were applied.",
    registers,
  });
  const attempts = new Histogram({
    name: "keelson_attempt_seconds",
    help: "Duration of attempts of effects in seconds, by step type and outcome.",
    labelNames: ["type", "outcome"] as const,
    buckets: SECONDS,
    registers,
  });
  return {
    committed(execution, { state, batch }) {
      commits.inc();
      for (const { type } of batch.events) {
        const status = ENDS_OF_STEPS.get(type);
        if (status !== undefined) steps.inc({ status });
      }
      for (const { outcome, nextAttemptAt } of batch.attempts) {
        if (outcome !== "succeeded" && nextAttemptAt !== null) retries.inc();
      }
      if (!isEnded(state.status)) return;
      executions.inc({ status: state.status });
      executionSeconds.observe({ status: state.status }, Math.max(0, Date.now() - execution.startedAt) / 1000);
      traceEnd(tracing, execution, state.status, state.error?.code);
      log.info(
        {
          tenant_id: execution.tenantId,
          execution_id: execution.executionId,
          workflow: execution.workflowName,
          version: execution.version,
          outcome: state.status,
          error_code: state.error?.code,
        },
        "execution.ended",
      );
    },
    attempted(execution, { stepId, type, attempt, outcome, durationMs, cause }) {
      attempts.observe({ type, outcome }, durationMs / 1000);
      const fields = {
        tenant_id: execution.tenantId,
        execution_id: execution.executionId,
        step_id: stepId,
        attempt_no: attempt,
        duration_ms: Math.round(durationMs),
        outcome,
      };
      if (cause === undefined) log.info(fields, "step.attempted");
      else log.warn({ ...fields, err: cause }, "step.attempted");
    },
  };
}

const ENDS_OF_STEPS: ReadonlyMap<string, string> = new Map(
  ["succeeded", "failed", "skipped", "cancelled"].map((status) => [`step.${status}`, status]),
);

export function createRunnerLog(log: Logger, { registry }: Metrics): RunnerLog {
  const given = new Counter({
    name: "keelson_leases_given_back_total",
    help: "Leases given back untouched: dropped, unknown here, or at a stop.",
    registers: [registry],
  });
  const lost = new Counter({
    name: "keelson_worker_leases_lost_total",
    help: "Times this worker's own lease ran out or was taken, and all it held with it.",
    registers: [registry],
  });
  return {
    sessionFailed: (ref, error) =>
      log.error({ tenant_id: ref.tenantId, execution_id: ref.executionId, err: error }, "execution.let_go"),
    incarnationBegan: (workerId) => log.info({ worker_id: workerId }, "worker.registered"),
    incarnationLost(workerId, dropped) {
      lost.inc();
      log.warn({ worker_id: workerId, dropped }, "worker.lease_lost");
    },
    tickFailed: (error) => log.warn({ err: error }, "worker.tick_failed"),
    leaseGivenBack(ref, why) {
      given.inc();
      log.info({ tenant_id: ref.tenantId, execution_id: ref.executionId, why }, "execution.given_back");
    },
  };
}

/** How full a worker is, read when it is asked. */
export function gaugeLoad(
  { registry }: Metrics,
  concurrency: number,
  runner: { readonly active: number; readonly waiting: number },
): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    void new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge("keelson_leases", "Executions that this worker holds.", () => runner.active);
  gauge("keelson_worker_slots", "Executions that this worker may hold.", () => concurrency);
  gauge("keelson_worker_waiting", "Executions that wait for room in this worker.", () => runner.waiting);
}
