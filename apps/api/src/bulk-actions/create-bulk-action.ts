// Which executions or deliveries a bulk action hits. That is fixed in the commit that creates it: what is created later is
// not hit, and a replay does not chase its own replays.

import {
  type BulkAccepted,
  type CreateBulkAction,
  DEFAULT_BULK_ITEMS,
  DEFAULT_PER_SECOND,
  type DeliveryFilter,
  type ExecutionFilter,
  type JsonObject,
} from "@keelson/contracts";
import {
  type BulkTargets,
  type TenantTx,
  auditWrite,
  bulkActionInsert,
  bulkDeliveryTargets,
  bulkExecutionTargets,
} from "@keelson/db";
import { newId } from "@keelson/service-kit";
import { type TenantCaller, actorOf } from "../auth/caller.ts";
import type { ApiDeps } from "../deps.ts";

export async function createBulkAction(
  deps: Pick<ApiDeps, "db">,
  caller: TenantCaller,
  request: CreateBulkAction,
): Promise<BulkAccepted> {
  const tenantId = caller.tenant.id;
  const { action, perSecond = action === "cancel" ? null : DEFAULT_PER_SECOND, stopAfterFailures = null } = request;
  const version = request.action === "replay" ? (request.version ?? "same") : null;
  const actor = actorOf(caller);
  const id = newId();
  return deps.db.withTenant(tenantId, async (tx) => {
    const targets = await bulkTargets(tx, tenantId, request);
    const filter = request.filter === undefined ? null : filterAsJson(filterOf(request));
    const matched = targets.ids.length;
    await bulkActionInsert(tx, tenantId, { id, action, filter, version, perSecond, stopAfterFailures, targets, actor });
    const details = { action, matched, ...(filter === null ? {} : { filter }) };
    await auditWrite(tx, tenantId, {
      actor,
      action: "bulkAction.created",
      target: { type: "bulkAction", id },
      details,
    });
    return { id, matched, capped: targets.capped };
  });
}

/** What it hits, in the order in which that is done: by a filter the oldest first, by ids as they were named. */
export async function bulkTargets(tx: TenantTx, tenantId: string, request: CreateBulkAction): Promise<BulkTargets> {
  if (request.ids !== undefined) {
    const ids = [...new Set(request.ids)];
    const { limit = ids.length } = request;
    return { ids: ids.slice(0, limit), capped: ids.length > limit };
  }
  const { limit = DEFAULT_BULK_ITEMS } = request;
  return request.action === "redeliver"
    ? bulkDeliveryTargets(tx, tenantId, request.filter ?? {}, limit)
    : bulkExecutionTargets(tx, tenantId, executionFilterOf(request), limit);
}

function filterOf(request: CreateBulkAction): ExecutionFilter | DeliveryFilter {
  return request.action === "redeliver" ? (request.filter ?? {}) : executionFilterOf(request);
}

/** Without a status, those that the action is made for. */
function executionFilterOf(request: Exclude<CreateBulkAction, { action: "redeliver" }>): ExecutionFilter {
  const { action, filter = {} } = request;
  if (filter.status !== undefined || action === "replay") return filter;
  return { ...filter, status: action === "retry" ? ["failed"] : ["queued", "running", "waiting"] };
}

/** As a request may have it. */
function filterAsJson(filter: ExecutionFilter | DeliveryFilter): JsonObject {
  const { since, until, ...rest } = filter;
  const labels = "label" in rest ? rest.label?.map(({ name, value }) => `${name}:${value}`) : undefined;
  const all = { ...rest, label: labels, since: since?.toISOString(), until: until?.toISOString() };
  return Object.fromEntries(Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}
