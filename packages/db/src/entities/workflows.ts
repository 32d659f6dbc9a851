// Workflows and their versions, as they are read.

import type { Trigger, WorkflowDefinition } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { type Page, pageFrom } from "./page.ts";

export type WorkflowStatus = "active" | "paused" | "archived";

/** By id, or by the name of one that is not archived. */
export type WorkflowKey = { readonly id: string } | { readonly name: string };

export interface WorkflowHead {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: WorkflowStatus;
  readonly latestVersion: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** Of the latest version; null: none. */
  readonly triggers: readonly Trigger[] | null;
  /** By trigger id, those of older versions too. */
  readonly hookIds: Readonly<Record<string, string>> | null;
  readonly scheduleIds: Readonly<Record<string, string>> | null;
}

export interface WorkflowRow extends WorkflowHead {
  /** Of the latest version. */
  readonly definition: WorkflowDefinition;
}

const HEAD = Prisma.sql`
  w.id, w.name, w.description, w.status, w.latest_version as "latestVersion", w.created_at as "createdAt",
  w.updated_at as "updatedAt", v.definition -> 'triggers' as triggers,
  (select json_object_agg(h.trigger_id, h.id) from keelson.hooks h
   where h.tenant_id = w.tenant_id and h.workflow_id = w.id) as "hookIds",
  (select json_object_agg(s.trigger_id, s.id) from keelson.schedules s
   where s.tenant_id = w.tenant_id and s.workflow_id = w.id) as "scheduleIds"`;

const WITH_LATEST = Prisma.sql`
  keelson.workflows w join keelson.workflow_versions v
    on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version`;

export async function workflowGet(tx: TenantTx, tenantId: string, key: WorkflowKey): Promise<WorkflowRow | null> {
  const rows = await tx.$queryRaw<WorkflowRow[]>`
    select ${HEAD}, v.definition from ${WITH_LATEST} where w.tenant_id = ${tenantId}::uuid and ${isKey(key)}`;
  return rows[0] ?? null;
}

/** Null: there is none, or it is archived and was asked for by name. */
export async function workflowIdOf(tx: TenantTx, tenantId: string, key: WorkflowKey): Promise<string | null> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select w.id from keelson.workflows w where w.tenant_id = ${tenantId}::uuid and ${isKey(key)}`;
  return rows[0]?.id ?? null;
}

export interface StartTarget {
  readonly workflowId: string;
  readonly name: string;
  readonly status: WorkflowStatus;
  /** Null: the workflow has no such version. */
  readonly versionId: string | null;
}

/** What a start names; `version` null: the latest. */
export async function workflowStartTarget(
  tx: TenantTx,
  tenantId: string,
  key: WorkflowKey,
  version: number | null,
): Promise<StartTarget | null> {
  const rows = await tx.$queryRaw<StartTarget[]>`
    select w.id as "workflowId", w.name, w.status, v.id as "versionId"
    from keelson.workflows w left join keelson.workflow_versions v
      on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = coalesce(${version}::int, w.latest_version)
    where w.tenant_id = ${tenantId}::uuid and ${isKey(key)}`;
  return rows[0] ?? null;
}

/** Newest first; `before`: the last id of the page before. */
export async function workflowList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly statuses: readonly WorkflowStatus[]; readonly before: string | null; readonly limit: number },
): Promise<Page<WorkflowHead>> {
  const rows = await tx.$queryRaw<WorkflowHead[]>`
    select ${HEAD} from ${WITH_LATEST}
    where w.tenant_id = ${tenantId}::uuid and w.status = any(${page.statuses}::text[])
      and (${page.before}::uuid is null or w.id < ${page.before}::uuid)
    order by w.id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

/** The latest definition of a workflow that is not archived; `exceptId`: one that counts as absent. */
export async function workflowDefinitionByName(
  tx: TenantTx,
  tenantId: string,
  name: string,
  exceptId: string | null,
): Promise<WorkflowDefinition | null> {
  const rows = await tx.$queryRaw<{ definition: WorkflowDefinition }[]>`
    select v.definition from ${WITH_LATEST}
    where w.tenant_id = ${tenantId}::uuid and w.name = ${name} and w.status <> 'archived'
      and w.id is distinct from ${exceptId}::uuid`;
  return rows[0]?.definition ?? null;
}

export interface WorkflowVersionRow {
  readonly version: number;
  readonly createdAt: Date;
  readonly createdBy: string | null;
  readonly note: string | null;
  readonly contentHash: string;
  readonly definition: WorkflowDefinition;
}

/** Definitions of one page, in bytes, beyond which it ends early. */
const PAGE_BYTES = 4 * 1024 * 1024;

/** Newest first; `before`: the last version of the page before. Ends early where the definitions are large. */
export async function workflowVersionList(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  page: { readonly before: number | null; readonly limit: number },
): Promise<Page<WorkflowVersionRow>> {
  const rows = await tx.$queryRaw<(WorkflowVersionRow & { fits: boolean })[]>`
    select version, created_at as "createdAt", created_by as "createdBy", note, content_hash as "contentHash",
      case when fits then definition end as definition, fits
    from (
      select v.*, row_number() over newest = 1
        or sum(octet_length(v.definition::text)) over newest <= ${PAGE_BYTES} as fits
      from (
        select * from keelson.workflow_versions
        where tenant_id = ${tenantId}::uuid and workflow_id = ${workflowId}::uuid
          and (${page.before}::int is null or version < ${page.before}::int)
        order by version desc limit ${page.limit + 1}
      ) as v window newest as (order by v.version desc)
    ) as sized order by version desc`;
  const fitting = rows.filter((row, index) => row.fits && index < page.limit);
  return { items: fitting, more: rows.length > fitting.length };
}

export async function workflowVersionGet(
  tx: TenantTx,
  tenantId: string,
  workflowId: string,
  version: number,
): Promise<(WorkflowVersionRow & { readonly id: string }) | null> {
  const rows = await tx.$queryRaw<(WorkflowVersionRow & { id: string })[]>`
    select id, version, created_at as "createdAt", created_by as "createdBy", note, content_hash as "contentHash",
      definition
    from keelson.workflow_versions
    where tenant_id = ${tenantId}::uuid and workflow_id = ${workflowId}::uuid and version = ${version}`;
  return rows[0] ?? null;
}

/** A condition on `w`, an alias of the workflows. */
export function isKey(key: WorkflowKey): Prisma.Sql {
  return "id" in key ? Prisma.sql`w.id = ${key.id}::uuid` : Prisma.sql`w.name = ${key.name} and w.status <> 'archived'`;
}
