import { BulkRetry, BulkRetryAnswer } from "@keelson/contracts";
import { createBulkAction } from "../../bulk-actions/create-bulk-action.ts";
import { tenantRoute } from "../../http/route.ts";

export const postBulkRetry = tenantRoute({
  method: "post",
  path: "/v1/executions/bulk/retry",
  answers: { 202: BulkRetryAnswer },
  doc: {
    operationId: "retryExecutions",
    tag: "Executions",
    summary: "Retry many failed executions",
    description: "A bulk action that retries what has failed, oldest first; cancelled ones stay as they are.",
    refusals: [],
    example: { workflow: "order-fulfilment", since: "2026-01-31T00:00:00Z" },
    answerHeaders: { 202: ["Location"] },
  },
  scope: "trigger",
  body: BulkRetry.optional(),
  async handle({ body, caller, deps }) {
    const { limit, ...filter } = body ?? {};
    const { id, matched } = await createBulkAction(deps, caller, { action: "retry", filter, limit });
    return { status: 202, body: { count: matched, id }, headers: { location: `/v1/bulk-actions/${id}` } };
  },
});
