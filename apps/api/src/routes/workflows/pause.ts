import { auditWrite, workflowGet, workflowIdOf, workflowPause, workflowResume } from "@keelson/db";
import { Workflow, type WorkflowRef } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";
import { type TenantCaller, actorOf } from "../../auth/caller.ts";
import type { ApiDeps } from "../../deps.ts";
import { WorkflowPath, workflowKey } from "../../http/path.ts";
import { type Answer, type Route, tenantRoute } from "../../http/route.ts";
import { etagOf, presentWorkflow } from "./present.ts";

/** What is accepted from now on is kept queued. */
export const pauseWorkflow = switching("pause", "workflow.paused", workflowPause);

/** What was held starts. */
export const resumeWorkflow = switching("resume", "workflow.resumed", async (db, tenantId, id) => {
  return (await workflowResume(db, tenantId, id)) !== null;
});

function switching(
  verb: "pause" | "resume",
  action: string,
  change: (db: ApiDeps["db"], tenantId: string, id: string) => Promise<boolean>,
): Route {
  return tenantRoute({
    method: "post",
    path: `/v1/workflows/:ref/${verb}`,
    answers: { 200: Workflow },
    doc: {
      operationId: `${verb}Workflow`,
      tag: "Workflows",
      summary: verb === "pause" ? "Pause a workflow" : "Resume a workflow",
      description:
        verb === "pause"
          ? "What is accepted from then on (triggers, children, retries, replays) is kept `queued`; what runs goes on."
          : "What was kept starts, in the version of the moment in which it was accepted; of each schedule one at most.",
      refusals: ["WORKFLOW_ARCHIVED"],
      answerHeaders: { 200: ["ETag"] },
    },
    scope: "write",
    params: WorkflowPath,
    handle: ({ params, caller, deps }) => changeAndShow(deps, caller, params.ref, action, change),
  });
}

async function changeAndShow(
  deps: ApiDeps,
  caller: TenantCaller,
  ref: WorkflowRef,
  action: string,
  change: (db: ApiDeps["db"], tenantId: string, id: string) => Promise<boolean>,
): Promise<Answer> {
  const tenantId = caller.tenant.id;
  const id = await deps.db.withTenant(tenantId, (tx) => workflowIdOf(tx, tenantId, workflowKey(ref)));
  if (id === null) throw new AppError("NOT_FOUND");
  if (!(await change(deps.db, tenantId, id))) throw new AppError("WORKFLOW_ARCHIVED");
  deps.changes.workflow(tenantId, id);
  const row = await deps.db.withTenant(tenantId, async (tx) => {
    await auditWrite(tx, tenantId, { actor: actorOf(caller), action, target: { type: "workflow", id } });
    return workflowGet(tx, tenantId, { id });
  });
  if (row === null) throw new AppError("NOT_FOUND");
  return { status: 200, body: presentWorkflow(row, deps.ingressUrl), headers: etagOf(row.latestVersion) };
}
