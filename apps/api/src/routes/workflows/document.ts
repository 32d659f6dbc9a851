// A workflow document, checked: what it says by itself, and the workflows of the tenant that it names.

import { type Json, type WorkflowDefinition, WorkflowName, isJsonObject } from "@keelson/contracts";
import { type CompiledWorkflow, type DefinitionProblem, checkSubworkflows, parseDefinition } from "@keelson/dag";
import { type TenantTx, workflowDefinitionByName } from "@keelson/db";
import { AppError } from "@keelson/service-kit";

export interface CheckedDocument {
  readonly definition: WorkflowDefinition;
  readonly workflow: CompiledWorkflow;
}

export interface DocumentCheck {
  /** Problems that are known already, to be told of together with the others. */
  readonly problems?: readonly DefinitionProblem[];
  /** Of the workflow that this document is to replace, whose present name counts for nothing. */
  readonly workflowId: string | null;
}

/** Parsing needs no transaction, and takes its time: do it before one is open. */
export function readDocument(document: unknown) {
  if (document === undefined) {
    throw new AppError("INVALID_REQUEST", { detail: "Send the workflow document as the request's body." });
  }
  const parsed = parseDefinition(document);
  return {
    /** The document's name, if it has one that can be used. */
    name: parsed.ok ? parsed.definition.name : nameOf(document),
    /** Refuses with `INVALID_DEFINITION` and all that is wrong at once. */
    async check(
      tx: TenantTx,
      tenantId: string,
      { problems = [], workflowId }: DocumentCheck,
    ): Promise<CheckedDocument> {
      const names = parsed.ok ? parsed.definition : outlineOf(document);
      const nesting = await checkSubworkflows(
        names,
        async (name) => (await workflowDefinitionByName(tx, tenantId, name, workflowId)) ?? undefined,
      );
      const all = [...problems, ...(parsed.ok ? [] : parsed.problems), ...nesting];
      if (!parsed.ok || all.length > 0) throw new AppError("INVALID_DEFINITION", { errors: all });
      return { definition: parsed.definition, workflow: parsed.workflow };
    },
  };
}
export type ReadDocument = ReturnType<typeof readDocument>;

function nameOf(document: unknown): string | null {
  const name = isJsonObject(document) ? WorkflowName.safeParse(document["name"]) : null;
  return name?.success === true ? name.data : null;
}

/** Of a document with problems: the workflows it names, each in its place, so that those are checked as well. */
function outlineOf(document: unknown): WorkflowDefinition {
  const fields = isJsonObject(document) ? document : {};
  const steps = Array.isArray(fields["steps"]) ? fields["steps"] : [];
  const onFailure = WorkflowName.safeParse(fields["onFailure"]);
  return {
    name: nameOf(document) ?? "",
    steps: steps.map((step: Json): WorkflowDefinition["steps"][number] => {
      const workflow = WorkflowName.safeParse(childOf(step));
      const id = isJsonObject(step) && typeof step["id"] === "string" ? step["id"] : "";
      return workflow.success
        ? { id, type: "subworkflow", config: { workflow: workflow.data } }
        : { id, type: "transform", config: { output: null } };
    }),
    ...(onFailure.success ? { onFailure: onFailure.data } : {}),
  };
}

function childOf(step: Json): Json {
  if (!isJsonObject(step) || step["type"] !== "subworkflow" || !isJsonObject(step["config"])) return null;
  return step["config"]["workflow"] ?? null;
}
