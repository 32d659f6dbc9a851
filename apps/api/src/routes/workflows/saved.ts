// What both ways of saving share.

import type { Json, WorkflowDefinition } from "@keelson/contracts";
import { type NewVersion, type TenantTx, type WorkflowRow, auditWrite, workflowGet } from "@keelson/db";
import { type TenantCaller, actorOf } from "../../auth/caller.ts";
import { canonicalHash } from "../../json/canonical-json.ts";

export function newVersionOf(definition: WorkflowDefinition, caller: TenantCaller, note: string | null): NewVersion {
  return { definition, contentHash: contentHashOf(definition), note, createdBy: `apiKey:${caller.apiKey.id}` };
}

/** Equal for documents that differ in nothing but the order of keys and white space. */
export function contentHashOf(definition: WorkflowDefinition): string {
  const document: Json = JSON.parse(JSON.stringify(definition));
  return canonicalHash(document).toString("hex");
}

export async function auditSave(
  tx: TenantTx,
  caller: TenantCaller,
  action: "workflow.created" | "workflow.updated",
  workflow: { readonly id: string; readonly name: string; readonly version: number },
): Promise<void> {
  const { id, name, version } = workflow;
  const target = { type: "workflow", id };
  await auditWrite(tx, caller.tenant.id, { actor: actorOf(caller), action, target, details: { name, version } });
}

/** The workflow as this transaction has left it. */
export async function savedWorkflow(tx: TenantTx, tenantId: string, id: string): Promise<WorkflowRow> {
  const row = await workflowGet(tx, tenantId, { id });
  if (row === null) throw new Error(`Workflow ${id} is gone in the transaction that saved it`);
  return row;
}
