import { MAX_STATS_POINTS, Stats, StatsQuery } from "@keelson/contracts";
import { type StatsKey, type StatsTally, statsBuckets, statsTotals, workflowNames } from "@keelson/db";
import { tenantRoute } from "../../http/route.ts";
import { EVERYTHING, isOfEnds, presentStats } from "./present.ts";
import { statsRange } from "./range.ts";

export const getStats = tenantRoute({
  method: "get",
  path: "/v1/stats",
  answers: { 200: Stats },
  doc: {
    operationId: "getStats",
    tag: "Statistics",
    summary: "Count executions over time, with their latencies",
    description:
      "Exact, and about a second behind: each start and each end is counted once, in the bucket of its time. An execution that is retried starts and ends once more. Children count like any other execution, with the trigger `subworkflow`. What is counted outlives the executions themselves.",
    refusals: [],
  },
  scope: "read",
  query: StatsQuery,
  async handle({ caller, query, deps }) {
    const tenantId = caller.tenant.id;
    const { groupBy = [], workflow: workflows } = query;
    const range = statsRange(query, Date.now());
    const from = new Date(range.fromAt);
    const to = new Date(range.toAt);
    const filter = { bucket: range.bucket, from, to, workflows, groupBy };
    return deps.db.withTenant(tenantId, async (tx) => {
      const totals = await statsTotals(tx, tenantId, filter);
      const all = groupsOf(totals, groupBy);
      const groups = all.slice(0, Math.floor(MAX_STATS_POINTS / range.count));
      const buckets = await statsBuckets(tx, tenantId, filter, groups);
      const named = groupBy.includes("workflow") ? groups.map((group) => group.workflowId) : [];
      const names = await workflowNames(tx, tenantId, [...new Set(named)]);
      const leftOut = all.length - groups.length;
      const body = presentStats(range, groupBy, { totals, groups, leftOut, buckets, workflowNames: names });
      return { status: 200, body };
    });
  },
});

/** Those that get a series: one for all if it is not grouped; starts alone make no group of a status or an error code. */
function groupsOf<T extends StatsKey & StatsTally>(totals: readonly T[], groupBy: StatsQuery["groupBy"] = []) {
  if (groupBy.length === 0) return totals.length === 0 ? [EVERYTHING] : totals;
  return isOfEnds(groupBy) ? totals.filter((group) => group.ended > 0) : totals;
}
