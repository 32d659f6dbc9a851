import { PageQuery, WorkflowVersion, WorkflowVersionPage } from "@keelson/contracts";
import { workflowIdOf, workflowVersionGet, workflowVersionList } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { pagingOf } from "../../http/paging.ts";
import { VersionPath, WorkflowPath, workflowKey } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentVersion } from "./present.ts";

export const listVersions = tenantRoute({
  method: "get",
  path: "/v1/workflows/:ref/versions",
  answers: { 200: WorkflowVersionPage },
  doc: {
    operationId: "listVersions",
    tag: "Workflows",
    summary: "List a workflow's versions",
    refusals: [],
  },
  scope: "read",
  params: WorkflowPath,
  query: PageQuery,
  async handle(call) {
    const { params, deps, query } = call;
    const tenantId = call.caller.tenant.id;
    return deps.db.withTenant(tenantId, async (tx) => {
      const id = await workflowIdOf(tx, tenantId, workflowKey(params.ref));
      if (id === null) throw new AppError("NOT_FOUND");
      const paging = pagingOf(call, `versions of ${id}`, query);
      const before = paging.before === null ? null : Number(paging.before);
      const page = await workflowVersionList(tx, tenantId, id, { limit: paging.limit, before });
      return { status: 200, body: paging.answer(page, presentVersion, (row) => String(row.version)) };
    });
  },
});

export const getVersion = tenantRoute({
  method: "get",
  path: "/v1/workflows/:ref/versions/:n",
  answers: { 200: WorkflowVersion },
  doc: {
    operationId: "getVersion",
    tag: "Workflows",
    summary: "Read one version",
    refusals: [],
  },
  scope: "read",
  params: VersionPath,
  async handle({ params: { ref, n }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const version = await deps.db.withTenant(tenantId, async (tx) => {
      const id = await workflowIdOf(tx, tenantId, workflowKey(ref));
      return id === null ? null : workflowVersionGet(tx, tenantId, id, n);
    });
    if (version === null) throw new AppError("NOT_FOUND");
    return { status: 200, body: presentVersion(version) };
  },
});
