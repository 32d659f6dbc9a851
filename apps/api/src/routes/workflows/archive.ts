import { auditWrite, workflowArchive, workflowLock } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { actorOf } from "../../auth/caller.ts";
import { WorkflowPath, workflowKey } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { requireMatch } from "./preconditions.ts";

/** What was accepted goes on, also what a pause held. Archiving twice is the same as once. */
export const archiveWorkflow = tenantRoute({
  method: "delete",
  path: "/v1/workflows/:ref",
  answers: { 204: null },
  doc: {
    operationId: "archiveWorkflow",
    tag: "Workflows",
    summary: "Archive a workflow",
    description:
      "What was accepted goes on; its hooks answer 410, starts 409; its name is free again, its history stays readable by id. Twice is the same as once.",
    refusals: ["VERSION_STALE"],
    requestHeaders: ["If-Match"],
  },
  scope: "write",
  params: WorkflowPath,
  async handle({ params: { ref }, caller, req, deps }) {
    const tenantId = caller.tenant.id;
    const id = await deps.db.withTenant(tenantId, async (tx) => {
      const workflow = await workflowLock(tx, tenantId, workflowKey(ref));
      if (workflow === null) throw new AppError("NOT_FOUND");
      requireMatch(req, workflow.latestVersion);
      if (workflow.status === "archived") return workflow.id;
      await workflowArchive(tx, tenantId, workflow.id);
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "workflow.archived",
        target: { type: "workflow", id: workflow.id },
        details: { name: workflow.name },
      });
      return workflow.id;
    });
    deps.changes.workflow(tenantId, id);
    return { status: 204 };
  },
});
