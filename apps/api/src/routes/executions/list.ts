import { ExecutionListQuery, ExecutionPage, MAX_COUNT } from "@keelson/contracts";
import { executionCount, executionList } from "@keelson/db";
import { presentSummary } from "../../executions/present.ts";
import { stepCountsOf } from "../../executions/step-counts.ts";
import { pagingOf } from "../../http/paging.ts";
import { tenantRoute } from "../../http/route.ts";

export const listExecutions = tenantRoute({
  method: "get",
  path: "/v1/executions",
  answers: { 200: ExecutionPage },
  doc: {
    operationId: "listExecutions",
    tag: "Executions",
    summary: "List executions",
    refusals: [],
  },
  scope: "read",
  query: ExecutionListQuery,
  async handle(call) {
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "executions", call.query);
    const { limit: _limit, cursor: _cursor, count, ...filter } = call.query;
    return call.deps.db.withTenant(tenantId, async (tx) => {
      const page = await executionList(tx, tenantId, filter, paging);
      const stepCounts = await stepCountsOf(tx, tenantId, page.items);
      const body: ExecutionPage = paging.answer(
        page,
        (row) => presentSummary(row, stepCounts.get(row.versionId) ?? 0),
        (row) => row.id,
      );
      if (count !== true) return { status: 200, body };
      const total = await executionCount(tx, tenantId, filter, MAX_COUNT);
      return { status: 200, body: { ...body, total } };
    });
  },
});
