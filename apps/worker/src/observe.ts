// What a worker tells of itself: metrics, and one wide log line for each attempt and each end.
import { isEnded } from "@keelson/contracts";
import type { RunnerLog, SessionObserver } from "@keelson/engine";
import type { Logger, Metrics } from "@keelson/service-kit";
import { Counter, Histogram } from "prom-client";

export function createObserver(log: Logger, { registry }: Metrics): SessionObserver {
  const registers = [registry];
  const executions = new Counter({
    name: "keelson_executions_total",
    help: "Executions that ended here, by status.",
    labelNames: ["status"] as const,
    registers,
  });
  const commits = new Counter({
    name: "keelson_commits_total",
    help: "Commits of transitions that were applied.",
    registers,
  });
  const attempts = new Histogram({
    name: "keelson_attempt_seconds",
    help: "Duration of attempts of effects in seconds, by outcome.",
    labelNames: ["outcome"] as const,
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  return {
    committed(execution, { state }) {
      commits.inc();
      if (!isEnded(state.status)) return;
      executions.inc({ status: state.status });
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
    attempted(execution, { stepId, attempt, outcome, durationMs }) {
      attempts.observe({ outcome }, durationMs / 1000);
      log.info(
        {
          tenant_id: execution.tenantId,
          execution_id: execution.executionId,
          step_id: stepId,
          attempt_no: attempt,
          duration_ms: Math.round(durationMs),
          outcome,
        },
        "step.attempted",
      );
    },
  };
}

export function createRunnerLog(log: Logger): RunnerLog {
  return {
    sessionFailed: (ref, error) =>
      log.error({ tenant_id: ref.tenantId, execution_id: ref.executionId, err: error }, "execution.let_go"),
    incarnationBegan: (workerId) => log.info({ worker_id: workerId }, "worker.registered"),
    incarnationLost: (workerId, dropped) => log.warn({ worker_id: workerId, dropped }, "worker.lease_lost"),
    tickFailed: (error) => log.warn({ err: error }, "worker.tick_failed"),
    leaseGivenBack: (ref, why) =>
      log.info({ tenant_id: ref.tenantId, execution_id: ref.executionId, why }, "execution.given_back"),
  };
}
