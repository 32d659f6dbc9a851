// Saving a workflow: one transaction that locks it, compares, writes the version, and keeps hooks and schedules in step.

import { parseDuration, type WorkflowDefinition } from "@keelson/contracts";
import { v7 as newId } from "uuid";
import type { TenantTx } from "../database.ts";
import { syncTriggers } from "./triggers.ts";
import { type WorkflowKey, type WorkflowStatus, isKey } from "./workflows.ts";

export interface LockedWorkflow {
  readonly id: string;
  readonly name: string;
  readonly status: WorkflowStatus;
  readonly latestVersion: number;
  /** Of the latest version. */
  readonly contentHash: string;
}

export interface NewVersion {
  readonly definition: WorkflowDefinition;
  readonly contentHash: string;
  readonly note: string | null;
  readonly createdBy: string;
}

/** Locks a workflow until the transaction ends: saves, pauses and starts wait. Null: there is none. */
export async function workflowLock(tx: TenantTx, tenantId: string, key: WorkflowKey): Promise<LockedWorkflow | null> {
  const locked = await tx.$queryRaw<{ id: string }[]>`
    select w.id from keelson.workflows w where w.tenant_id = ${tenantId}::uuid and ${isKey(key)} for no key update`;
  const id = locked[0]?.id;
  if (id === undefined) return null;
  // A second statement: what was waited for is seen by its snapshot alone.
  const rows = await tx.$queryRaw<LockedWorkflow[]>`
    select w.id, w.name, w.status, w.latest_version as "latestVersion", v.content_hash as "contentHash"
    from keelson.workflows w join keelson.workflow_versions v
      on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version
    where w.tenant_id = ${tenantId}::uuid and w.id = ${id}::uuid`;
  return rows[0] ?? null;
}

/** Inserts a workflow with its first version. Null: another that is not archived has the name. */
export async function workflowInsert(tx: TenantTx, tenantId: string, version: NewVersion): Promise<string | null> {
  const { definition } = version;
  const id = newId();
  const inserted = await tx.$executeRaw`
    insert into keelson.workflows (tenant_id, id, name, description, tags)
    values (${tenantId}::uuid, ${id}::uuid, ${definition.name}, ${definition.description ?? null},
      ${definition.tags ?? []}::text[])
    on conflict (tenant_id, name) where status <> 'archived' do nothing`;
  if (inserted === 0) return null;
  await insertVersion(tx, tenantId, id, 1, version);
  return id;
}

/**
 * Adds a version to a locked workflow, which takes over the document's name. Rejects with a unique violation where another
 * workflow has that name.
 */
export async function workflowAddVersion(
  tx: TenantTx,
  tenantId: string,
  workflow: LockedWorkflow,
  version: NewVersion,
): Promise<void> {
  const { definition } = version;
  const next = workflow.latestVersion + 1;
  await tx.$executeRaw`
    update keelson.workflows set
      name = ${definition.name}, description = ${definition.description ?? null},
      tags = ${definition.tags ?? []}::text[], latest_version = ${next}, updated_at = now()
    where tenant_id = ${tenantId}::uuid and id = ${workflow.id}::uuid`;
  await insertVersion(tx, tenantId, workflow.id, next, version);
}

async function insertVersion(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  version: number,
  { definition, contentHash, note, createdBy }: NewVersion,
): Promise<void> {
  const timeoutMs = definition.timeout === undefined ? null : parseDuration(definition.timeout);
  await tx.$executeRaw`
    insert into keelson.workflow_versions
      (tenant_id, id, workflow_id, version, definition, content_hash, timeout_ms, note, created_by)
    values (${tenantId}::uuid, ${newId()}::uuid, ${workflowId}::uuid, ${version}, ${JSON.stringify(definition)}::json,
      ${contentHash}, ${timeoutMs}, ${note}, ${createdBy})`;
  await syncTriggers(tx, tenantId, workflowId, definition.triggers ?? []);
}

/**
 * Archives a locked workflow: it starts nothing any more, its schedules rest and its name is free. What was accepted goes
 * on, what a pause held too.
 */
export async function workflowArchive(tx: TenantTx, tenantId: string, id: string): Promise<void> {
  await tx.$queryRaw`select keelson.workflow_resume(${tenantId}::uuid, ${id}::uuid)`;
  await tx.$executeRaw`
    update keelson.workflows set status = 'archived', archived_at = now(), updated_at = now()
    where tenant_id = ${tenantId}::uuid and id = ${id}::uuid`;
  await tx.$executeRaw`
    update keelson.schedules set in_latest = false, next_at = null
    where tenant_id = ${tenantId}::uuid and workflow_id = ${id}::uuid and in_latest`;
}
