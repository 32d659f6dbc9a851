import { assertNever, type Json, type WebhookTrigger } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import { type DeliveryRow, type FoundHook, deliveryAccept, deliveryGet, hookFind } from "@keelson/db";
import { AppError, bodyTypeOf, newId, parseBody, triggerHeaders } from "@keelson/service-kit";
import type { InterventionDeps } from "../deps.ts";
import { inputErrors } from "../executions/input-check.ts";
import { type Starter, tooManyUnfinished } from "../executions/start-execution.ts";

/** A workflow that is saved again and again in the meantime is given up on. */
const MAX_ROUNDS = 5;

export type Redelivery = { readonly deliveryId: string; readonly executionId: string };

/**
 * Starts an execution of the latest version from the stored bytes, without the checks of signature and repeat. Refuses with
 * `NOT_FOUND`, `TRIGGER_GONE`, `WORKFLOW_ARCHIVED`, `MALFORMED_BODY`, `INPUT_INVALID` and `TOO_MANY_UNFINISHED`.
 */
export async function redeliver(deps: InterventionDeps, starter: Starter, id: string): Promise<Redelivery> {
  const tenantId = starter.tenant.id;
  const maxUnfinished = starter.limits.unfinishedExecutions;
  const stored = await deps.db.withTenant(tenantId, (tx) => deliveryGet(tx, tenantId, id));
  if (stored === null) throw new AppError("NOT_FOUND");
  const input = inputOf(stored);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const request = await judge(deps, tenantId, stored, input);
    const start = { ...request.start, trace: starter.trace ?? null };
    const verdict = await deliveryAccept(deps.db, { tenantId, ...request, start, maxUnfinished });
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
async function judge(deps: InterventionDeps, tenantId: string, stored: DeliveryRow, input: Json) {
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
