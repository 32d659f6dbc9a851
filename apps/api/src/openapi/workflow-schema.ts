// JSON Schema 2020-12 of the workflow document, by which editors complete and check. It says less than a save checks: what
// lies between steps (edges, cycles, joins) and within templates is no matter of a schema.

import { type JsonObject, WorkflowDefinition } from "@keelson/contracts";
import { EXAMPLE_WORKFLOW } from "./example-workflow.ts";
import { createSchemas } from "./schemas.ts";

const REF = /#\/components\/schemas\//g;

/** Stands by itself: its parts are in `$defs`. */
export function createWorkflowSchema(): JsonObject {
  const schemas = createSchemas([WorkflowDefinition]);
  const root = schemas.inline(WorkflowDefinition, "input");
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Keelson workflow",
    description: "A workflow document, as `PUT /v1/workflows/:ref` takes it.",
    ...root,
    examples: [EXAMPLE_WORKFLOW],
    $defs: schemas.components(),
  };
  return JSON.parse(JSON.stringify(document).replaceAll(REF, "#/$defs/"));
}
