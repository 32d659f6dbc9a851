import { Workflow, WorkflowListQuery, WorkflowPage } from "@keelson/contracts";
import { workflowGet, workflowList } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { WorkflowPath, workflowKey } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { etagOf, presentListItem, presentWorkflow } from "./present.ts";

export const listWorkflows = tenantRoute({
  method: "get",
  path: "/v1/workflows",
  answers: { 200: WorkflowPage },
  doc: {
    operationId: "listWorkflows",
    tag: "Workflows",
    summary: "List workflows",
    refusals: [],
  },
  scope: "read",
  query: WorkflowListQuery,
  async handle(call) {
    const { deps, query } = call;
    const tenantId = call.caller.tenant.id;
    const paging = pagingOf(call, "workflows", query);
    const { status: statuses = ["active", "paused"] } = query;
    const page = await deps.db.withTenant(tenantId, (tx) => workflowList(tx, tenantId, { statuses, ...paging }));
    const body = paging.answer(
      page,
      (row) => presentListItem(row, deps.ingressUrl),
      (row) => row.id,
    );
    return { status: 200, body };
  },
});

/** An archived workflow is found by its id alone: its name may be another's by now. */
export const getWorkflow = tenantRoute({
  method: "get",
  path: "/v1/workflows/:ref",
  answers: { 200: Workflow },
  doc: {
    operationId: "getWorkflow",
    tag: "Workflows",
    summary: "Read a workflow with its latest document",
    description: "An archived one is found by its id alone: its name may be another's by now.",
    refusals: [],
    answerHeaders: { 200: ["ETag"] },
  },
  scope: "read",
  params: WorkflowPath,
  async handle({ params: { ref }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const row = await deps.db.withTenant(tenantId, (tx) => workflowGet(tx, tenantId, workflowKey(ref)));
    if (row === null) throw new AppError("NOT_FOUND");
    return { status: 200, body: presentWorkflow(row, deps.ingressUrl), headers: etagOf(row.latestVersion) };
  },
});
