import { assertNever, Delivery, type Json, type WebhookTrigger } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import { type DeliveryRow, type FoundHook, auditWrite, deliveryAccept, deliveryGet, hookFind } from "@keelson/db";
import { AppError, bodyTypeOf, newId, parseBody, triggerHeaders } from "@keelson/service-kit";
import { type TenantCaller, actorOf } from "../../auth/caller.ts";
import type { ApiDeps } from "../../deps.ts";
import { inputErrors } from "../../executions/input-check.ts";
import { tooManyUnfinished } from "../../executions/start-execution.ts";
import { IdPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";
import { presentDelivery } from "./present.ts";

/** A workflow that is saved again and again in the meantime is given up on. */
const MAX_ROUNDS = 5;

/** Starts an execution of the latest version from the stored bytes, without the checks of signature and repeat. */
export const redeliver = tenantRoute({
  method: "post",
  path: "/v1/deliveries/:id/redeliver",
  answers: { 202: Delivery },
  doc: {
    operationId: "redeliver",
    tag: "Deliveries",
    summary: "Deliver again what has arrived",
    description:
      "A new execution of the latest version from the stored bytes, without the checks of signature and repeat. Answers the new delivery, whose `redeliveryOf` is this one.",
    refusals: ["MALFORMED_BODY", "WORKFLOW_ARCHIVED", "TRIGGER_GONE", "INPUT_INVALID", "TOO_MANY_UNFINISHED"],
  },
  scope: "trigger",
  params: IdPath,
  async handle({ params: { id }, caller, deps }) {
    const tenantId = caller.tenant.id;
    const stored = await deps.db.withTenant(tenantId, (tx) => deliveryGet(tx, tenantId, id));
    if (stored === null) throw new AppError("NOT_FOUND");
    const started = await startAnew(deps, caller, stored);
    const delivery = await deps.db.withTenant(tenantId, async (tx) => {
      const target = { type: "delivery", id };
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: "delivery.redelivered",
        target,
        details: started,
      });
      return deliveryGet(tx, tenantId, started.deliveryId);
    });
    if (delivery === null) throw new AppError("NOT_FOUND");
    return { status: 202, body: presentDelivery(delivery) };
  },
});

type Started = { readonly deliveryId: string; readonly executionId: string };

async function startAnew(deps: ApiDeps, caller: TenantCaller, stored: DeliveryRow): Promise<Started> {
  const tenantId = caller.tenant.id;
  const maxUnfinished = caller.limits.unfinishedExecutions;
  const input = inputOf(stored);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const request = await judge(deps, tenantId, stored, input);
    const verdict = await deliveryAccept(deps.db, { tenantId, ...request, maxUnfinished });
    switch (verdict.kind) {
      case "accepted":
        if (!verdict.held) deps.hints.wake({ tenantId, executionId: verdict.executionId }, 0);
        return { deliveryId: request.delivery.id, executionId: verdict.executionId };
      case "archived":
        throw new AppError("WORKFLOW_ARCHIVED");
      case "full":
        throw tooManyUnfinished(maxUnfinished);
      case "stale":
        continue; // saved in the meantime: the latest version's settings hold
      case "unknown":
      case "duplicate": // never: without a key nothing is a repeat
        throw new AppError("NOT_FOUND");
      default:
        assertNever(verdict);
    }
  }
  throw new AppError("UNAVAILABLE", { headers: { "retry-after": "1" } });
}

/** By the latest version. */
async function judge(deps: ApiDeps, tenantId: string, stored: DeliveryRow, input: Json) {
  const hook = await hookFind(deps.db, stored.hookId);
  if (hook === null) throw new AppError("TRIGGER_GONE");
  if (hook.workflowStatus === "archived") throw new AppError("WORKFLOW_ARCHIVED");
  const workflow = await deps.definitions.loadVersion(tenantId, hook.versionId);
  const trigger = triggerOf(workflow, hook);
  const errors = inputErrors(workflow, input, "");
  if (errors.length > 0) throw new AppError("INPUT_INVALID", { errors });
  return acceptRequest(stored, hook, trigger, input);
}

function triggerOf(workflow: CompiledWorkflow, { triggerId }: FoundHook): WebhookTrigger {
  const trigger = (workflow.definition.triggers ?? []).find(({ id }) => id === triggerId);
  if (trigger?.type === "webhook") return trigger;
  throw new AppError("TRIGGER_GONE");
}

function inputOf({ body, contentType }: DeliveryRow): Json {
  if (body.length === 0) return null;
  const type = bodyTypeOf(contentType ?? undefined);
  if (type === null) throw new AppError("MALFORMED_BODY", { detail: "Its content type is none that is parsed." });
  const parsed = parseBody(type, body);
  if (parsed.ok) return parsed.value;
  throw new AppError("MALFORMED_BODY", { detail: parsed.problem });
}

function acceptRequest(stored: DeliveryRow, hook: FoundHook, trigger: WebhookTrigger, input: Json) {
  const { hookId, workflowId, headers, query, contentType } = stored;
  const deliveryId = newId();
  const arrived = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  return {
    delivery: {
      id: deliveryId,
      hookId,
      workflowId,
      repeatKey: null,
      headers,
      query,
      contentType,
      redeliveryOf: stored.id,
    },
    body: stored.body,
    start: {
      executionId: newId(),
      versionId: hook.versionId,
      triggerType: "webhook" as const,
      trigger: {
        type: "webhook",
        id: trigger.id,
        deliveryId,
        headers: triggerHeaders(arrived, trigger.signature),
        query,
        receivedAt: new Date().toISOString(),
      },
      input,
    },
  };
}
