// The record of who changed what. Written in the transaction of the change itself, and never again.

import type { JsonObject } from "@keelson/contracts";
import { v7 as newId } from "uuid";
import type { TenantTx } from "../database.ts";
import { type Page, pageFrom } from "./page.ts";

export interface Actor {
  readonly type: "apiKey" | "operator";
  /** Of the API key; null for the operator. */
  readonly id: string | null;
}

export interface AuditEntry {
  readonly actor: Actor;
  /** `workflow.updated`, `apiKey.created`, … */
  readonly action: string;
  readonly target: { readonly type: string; readonly id: string };
  /** Never a payload or a secret. */
  readonly details?: JsonObject;
}

export interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly actorType: string;
  readonly actorId: string | null;
  readonly action: string;
  readonly targetType: string;
  readonly targetId: string | null;
  readonly details: JsonObject;
}

export async function auditWrite(tx: TenantTx, tenantId: string, entry: AuditEntry): Promise<void> {
  const { actor, action, target, details = {} } = entry;
  await tx.$executeRaw`
    insert into keelson.audit_log (tenant_id, id, actor_type, actor_id, action, target_type, target_id, details)
    values (${tenantId}::uuid, ${newId()}::uuid, ${actor.type}, ${actor.id}, ${action}, ${target.type}, ${target.id},
      ${JSON.stringify(details)}::jsonb)`;
}

/** Newest first; `before`: the last id of the page before. Reads the primary key backwards. */
export async function auditList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<AuditRow>> {
  const rows = await tx.$queryRaw<AuditRow[]>`
    select id, at, actor_type as "actorType", actor_id as "actorId", action, target_type as "targetType",
      target_id as "targetId", details
    from keelson.audit_log
    where tenant_id = ${tenantId}::uuid and (${page.before}::uuid is null or id < ${page.before}::uuid)
    order by id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}
