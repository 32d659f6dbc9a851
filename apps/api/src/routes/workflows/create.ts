import { LIMITS, Workflow, WorkflowDefinition } from "@keelson/contracts";
import { definitionWarnings } from "@keelson/dag";
import { workflowInsert } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { z } from "zod";
import { tenantRoute } from "../../http/route.ts";
import { EXAMPLE_WORKFLOW } from "../../openapi/example-workflow.ts";
import { readDocument } from "./document.ts";
import { changeNote } from "./preconditions.ts";
import { etagOf, presentWorkflow } from "./present.ts";
import { auditSave, newVersionOf, savedWorkflow } from "./saved.ts";

export const createWorkflow = tenantRoute({
  method: "post",
  path: "/v1/workflows",
  answers: { 201: Workflow },
  doc: {
    operationId: "createWorkflow",
    tag: "Workflows",
    summary: "Create a workflow",
    description: "`PUT` by its name does the same and may be repeated.",
    refusals: ["NAME_TAKEN", "INVALID_DEFINITION"],
    example: EXAMPLE_WORKFLOW,
    bodySchema: WorkflowDefinition,
    requestHeaders: ["Keelson-Change-Note"],
    answerHeaders: { 201: ["ETag", "Location"] },
  },
  scope: "write",
  body: z.unknown(),
  maxBodyBytes: LIMITS.documentBytes,
  async handle({ body, caller, req, deps }) {
    const tenantId = caller.tenant.id;
    const document = readDocument(body);
    const note = changeNote(req);
    const { row, definition } = await deps.db.withTenant(tenantId, async (tx) => {
      const { definition } = await document.check(tx, tenantId, { workflowId: null });
      const id = await workflowInsert(tx, tenantId, newVersionOf(definition, caller, note));
      if (id === null) {
        const detail = `Another workflow has the name "${definition.name}"; PUT /v1/workflows/${definition.name} saves a new version of it.`;
        throw new AppError("NAME_TAKEN", { detail });
      }
      await auditSave(tx, caller, "workflow.created", { id, name: definition.name, version: 1 });
      return { row: await savedWorkflow(tx, tenantId, id), definition };
    });
    deps.changes.workflow(tenantId, row.id);
    return {
      status: 201,
      body: { ...presentWorkflow(row, deps.ingressUrl), warnings: definitionWarnings(definition, new Date()) },
      headers: { ...etagOf(row.latestVersion), location: `/v1/workflows/${row.id}` },
    };
  },
});
