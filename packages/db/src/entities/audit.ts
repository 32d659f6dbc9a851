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

export interface AuditRecord {
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
  readonly details: unknown;
}

export async function auditWrite(tx: TenantTx, tenantId: string, record: AuditRecord): Promise<void> {
  const { actor, action, target, details = {} } = record;
  await tx.auditEntry.create({
    data: {
      tenantId,
      id: newId(),
      actorType: actor.type,
      actorId: actor.id,
      action,
      targetType: target.type,
      targetId: target.id,
      details,
    },
    select: { id: true },
  });
}

/** Newest first; `before`: the last id of the page before. */
export async function auditList(
  tx: TenantTx,
  tenantId: string,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<AuditRow>> {
  const rows = await tx.auditEntry.findMany({
    where: { tenantId, ...(page.before === null ? {} : { id: { lt: page.before } }) },
    orderBy: { id: "desc" },
    take: page.limit + 1,
    omit: { tenantId: true },
  });
  return pageFrom(rows, page.limit);
}
