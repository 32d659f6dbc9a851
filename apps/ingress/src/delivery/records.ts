// What is written down of a request: the delivery for the tenant to look at, and the execution's start.

import type { Json } from "@keelson/contracts";
import type { DeliveryRecord, ExecutionStart } from "@keelson/db";
import { deliveryHeaders, queryOf, triggerHeaders } from "@keelson/service-kit";
import type { HookRequest } from "../hook-request.ts";
import type { OpenHook } from "../hooks/hook-directory.ts";

export function deliveryRecord(arrived: {
  readonly request: HookRequest;
  readonly hook: OpenHook;
  readonly repeatKey: string | null;
  readonly id: string;
}): DeliveryRecord {
  const { request, hook, repeatKey, id } = arrived;
  return {
    id,
    hookId: hook.found.hookId,
    workflowId: hook.found.workflowId,
    repeatKey,
    headers: deliveryHeaders(request.headers),
    query: queryOf(request.search),
    contentType: request.contentType ?? null,
  };
}

/** Starts the version that the request was judged by; `trigger` is what templates see. */
export function startRecord(admitted: {
  readonly request: HookRequest;
  readonly hook: OpenHook;
  readonly delivery: DeliveryRecord;
  readonly receivedAtMs: number;
  readonly input: Json;
  readonly executionId: string;
}): ExecutionStart {
  const { request, hook, delivery, receivedAtMs, input, executionId } = admitted;
  return {
    executionId,
    versionId: hook.found.versionId,
    triggerType: "webhook",
    trigger: {
      type: "webhook",
      id: hook.found.triggerId,
      deliveryId: delivery.id,
      headers: triggerHeaders(request.headers, hook.signature),
      query: delivery.query,
      receivedAt: new Date(receivedAtMs).toISOString(),
    },
    input,
    trace: request.trace,
  };
}
