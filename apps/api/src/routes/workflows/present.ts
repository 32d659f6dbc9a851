import type { SavedTrigger, Trigger, Workflow, WorkflowListItem, WorkflowVersion } from "@keelson/contracts";
import type { WorkflowHead, WorkflowRow, WorkflowVersionRow } from "@keelson/db";

/** `ingressUrl`: base of the hooks' addresses. */
export function presentListItem(row: WorkflowHead, ingressUrl: string): WorkflowListItem {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    status: row.status,
    latestVersion: row.latestVersion,
    triggers: (row.triggers ?? []).map((trigger) => presentTrigger(trigger, row, ingressUrl)),
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

export function presentWorkflow(row: WorkflowRow, ingressUrl: string): Workflow {
  return { ...presentListItem(row, ingressUrl), definition: row.definition };
}

export function presentVersion(row: WorkflowVersionRow): WorkflowVersion {
  const { version, createdAt, createdBy, note, contentHash, definition } = row;
  return { version, createdAt: createdAt.toISOString(), createdBy, note, contentHash, definition };
}

/** The version that `If-Match` compares with. */
export function etagOf(version: number): Record<string, string> {
  return { etag: `"${version}"` };
}

function presentTrigger(trigger: Trigger, { hookIds, scheduleIds }: WorkflowHead, ingressUrl: string): SavedTrigger {
  if (trigger.type === "schedule") return { ...trigger, scheduleId: idOf(scheduleIds, trigger.id) };
  const hookId = idOf(hookIds, trigger.id);
  return { ...trigger, hookId, url: `${ingressUrl}/hooks/${hookId}` };
}

function idOf(ids: Readonly<Record<string, string>> | null, triggerId: string): string {
  const id = ids?.[triggerId];
  if (id === undefined) throw new Error(`Trigger ${triggerId} has no row of its own`);
  return id;
}
