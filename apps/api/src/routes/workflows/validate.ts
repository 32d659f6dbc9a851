import { LIMITS, ValidAnswer, WorkflowDefinition } from "@keelson/contracts";
import { definitionWarnings } from "@keelson/dag";
import { z } from "zod";
import { tenantRoute } from "../../http/route.ts";
import { EXAMPLE_WORKFLOW } from "../../openapi/example-workflow.ts";
import { readDocument } from "./document.ts";

/** Checks a document as a save would; saves nothing. */
export const validateWorkflow = tenantRoute({
  method: "post",
  path: "/v1/workflows/validate",
  answers: { 200: ValidAnswer },
  doc: {
    operationId: "validateWorkflow",
    tag: "Workflows",
    summary: "Check a document as a save would",
    description: "Saves nothing. All problems are told at once.",
    refusals: ["INVALID_DEFINITION"],
    example: EXAMPLE_WORKFLOW,
    bodySchema: WorkflowDefinition,
  },
  scope: "write",
  body: z.unknown(),
  maxBodyBytes: LIMITS.documentBytes,
  async handle({ body, caller, deps }) {
    const tenantId = caller.tenant.id;
    const document = readDocument(body);
    const { definition, workflow } = await deps.db.withTenant(tenantId, (tx) =>
      document.check(tx, tenantId, { workflowId: null }),
    );
    const { levels, depth, steps } = workflow.graph;
    const answer: ValidAnswer = {
      valid: true,
      order: levels.map((level) => [...level]),
      depth,
      steps: steps.map(({ id, join }) => ({ id, join })),
      warnings: definitionWarnings(definition, new Date()),
    };
    return { status: 200, body: answer };
  },
});
