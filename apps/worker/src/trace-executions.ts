// Executions as traces: one span for each, under the request that started it, and one for each attempt of an effect.
//  An execution's span has ids that come from the execution's own, since many workers, days apart, may hang spans on it
//  before the one that ends it tells of it.

import type { ClaimedExecution, ExecutionTracing } from "@keelson/engine";
import type { SpanIds, Tracing } from "@keelson/service-kit";

export function traceExecutions(tracing: Tracing): ExecutionTracing {
  const within: ExecutionTracing["within"] = (execution) => tracing.contextOf(execution.trace, spanIdsOf(execution));
  return {
    within,
    attempt(execution, { stepId, type, attempt }) {
      const span = tracing.begin(`${type} ${stepId}`, {
        parent: within(execution),
        kind: type === "http" ? "client" : "internal",
        attributes: { ...attributesOf(execution), "keelson.step_id": stepId, "keelson.attempt_no": attempt },
      });
      return {
        context: span.context,
        ended: (outcome) =>
          span.end({
            attributes: { "keelson.outcome": outcome },
            failure: outcome === "succeeded" ? undefined : outcome,
          }),
      };
    },
  };
}

/** Tells of an execution that has ended with `status`. */
export function traceEnd(tracing: Tracing, execution: ClaimedExecution, status: string, failure?: string): void {
  const span = tracing.begin(`execution ${execution.workflowName}`, {
    parent: execution.trace,
    startedAt: execution.startedAt,
    ids: spanIdsOf(execution),
    attributes: attributesOf(execution),
  });
  span.end({ attributes: { "keelson.outcome": status }, failure });
}

/** A retry of an ended execution is a span of its own. */
export function spanIdsOf({ executionId, gen }: Pick<ClaimedExecution, "executionId" | "gen">): SpanIds {
  const traceId = executionId.replaceAll("-", "");
  const spanId = BigInt.asUintN(64, BigInt(`0x${traceId.slice(16)}`) ^ BigInt(gen - 1));
  return { traceId, spanId: spanId.toString(16).padStart(16, "0") };
}

function attributesOf(execution: ClaimedExecution) {
  return {
    "keelson.tenant_id": execution.tenantId,
    "keelson.execution_id": execution.executionId,
    "keelson.workflow": execution.workflowName,
    "keelson.version": execution.version,
  };
}
