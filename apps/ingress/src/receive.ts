// The life of a webhook request, stage by stage: each either passes it on or refuses it.
//  R1. A 202 is a commit (I6), and the commit is one statement.
//  R2. Nothing is parsed, counted against the producer or told to the sender before the signature holds.
//  R3. A repeat of an accepted delivery wins over whatever its body would be refused for; the rate stands before both,
//      since it counts requests.

import { DEFAULT_TENANT_LIMITS, type Json, isJsonObject } from "@keelson/contracts";
import type { DeliveryRecord, DeliveryVerdict, ExecutionStart } from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { type BodyType, bodyTypeOf, parseBody } from "./body/parse-body.ts";
import { type ArrivedHeaders, deliveryHeaders, queryOf, triggerHeaders } from "./delivery/headers.ts";
import {
  type Refusal,
  bodyMalformed,
  inputInvalid,
  rateExceeded,
  rateLimited,
  signatureRefused,
  tooManyUnfinished,
} from "./delivery/refusal.ts";
import type { KeepRejected } from "./delivery/rejections.ts";
import type { HookDirectory, OpenHook } from "./hooks/hook-directory.ts";
import type { RateLimit } from "./limits/rate-limit.ts";
import { repeatKeyOf } from "./signature/repeat-key.ts";
import { verifySignature } from "./signature/verify-signature.ts";

export interface HookRequest {
  readonly hookId: string;
  readonly headers: ArrivedHeaders;
  readonly contentType: string | undefined;
  /** As it stands after the `?`, or empty. */
  readonly search: string;
  /** Byte by byte as they arrived. */
  readonly rawBody: Uint8Array;
}

export type Receipt =
  | { readonly kind: "accepted" | "duplicate"; readonly deliveryId: string; readonly executionId: string }
  /** Slack's check of the address, which starts nothing. */
  | { readonly kind: "challenged"; readonly challenge: string };

export interface AcceptRequest {
  readonly tenantId: string;
  readonly delivery: DeliveryRecord;
  readonly body: Uint8Array;
  readonly start: ExecutionStart;
  readonly maxUnfinished: number;
}

export interface ReceiverDeps {
  readonly hooks: Pick<HookDirectory, "find" | "findAnew">;
  readonly accept: (request: AcceptRequest) => Promise<DeliveryVerdict>;
  readonly keepRejected: KeepRejected;
  readonly rate: RateLimit;
  readonly wake: (ref: { readonly tenantId: string; readonly executionId: string }) => void;
  readonly newId: () => string;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** What is known of a request so far, for its log line and the metrics. */
export type Note = (fields: Readonly<Record<string, unknown>>) => void;

/** Resolves with what was committed; rejects with an AppError where the request is refused. */
export type Receive = (request: HookRequest, note: Note) => Promise<Receipt>;

/** A request that passed the signature, with what is written down of it. */
interface Signed {
  readonly request: HookRequest;
  readonly hook: OpenHook;
  readonly type: BodyType;
  readonly note: Note;
  readonly receivedAtMs: number;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Wrongly signed requests a minute to one hook that are refused with 401; more of them with 429. */
const WRONG_PER_MINUTE = 600;
/** A workflow that is saved again and again while one request is looked at is given up on. */
const MAX_LOOKS = 5;
/** For hooks that do not exist: verifying takes its time there too. */
const DUMMY = {
  signature: { scheme: "standard" },
  secrets: [`whsec_${Buffer.alloc(32, 7).toString("base64")}`],
} as const;

export function createReceiver(deps: ReceiverDeps): Receive {
  return async (request, note) => {
    const receivedAtMs = deps.nowMs();
    const type = requireBodyType(request);
    for (let look = 0; look < MAX_LOOKS; look++) {
      const hook = await requireHook(request, look > 0);
      const { tenantId, workflowName: workflow, triggerId: trigger_id } = hook.found;
      note({ tenant_id: tenantId, workflow, trigger_id });
      const signed = { request, hook, type, note, receivedAtMs };
      await requireSignature(signed);
      if (look === 0) await requireRate(signed);
      const receipt = await admit(signed);
      if (receipt !== null) return receipt;
    }
    throw new AppError("UNAVAILABLE", { headers: { "retry-after": "1" } });
  };

  async function requireHook(request: HookRequest, anew: boolean): Promise<OpenHook> {
    const hookId = request.hookId.toLowerCase();
    const known = UUID.test(hookId);
    const hook = known ? await (anew ? deps.hooks.findAnew(hookId) : deps.hooks.find(hookId)) : UNKNOWN;
    if (hook.kind === "open") return hook;
    verifySignature({ ...DUMMY, rawBody: request.rawBody, headers: request.headers, nowMs: deps.nowMs() });
    throw new AppError(hook.kind === "gone" ? "HOOK_GONE" : "NOT_FOUND");
  }

  async function requireSignature(signed: Signed): Promise<void> {
    const { request, hook } = signed;
    const verdict = verifySignature({
      signature: hook.signature,
      secrets: hook.secrets,
      rawBody: request.rawBody,
      headers: request.headers,
      nowMs: signed.receivedAtMs,
    });
    if (verdict.ok) return;
    signed.note({ reason: verdict.reason.code });
    const afterMs = deps.rate.take(`wrong ${hook.found.hookId}`, WRONG_PER_MINUTE);
    if (afterMs !== null) throw rateLimited(afterMs);
    await refuse(signed, deliveryOf(signed, null), signatureRefused(verdict.reason), false);
  }

  async function requireRate(signed: Signed): Promise<void> {
    const { found } = signed.hook;
    const perMinute = found.limits.webhookPerMinute ?? DEFAULT_TENANT_LIMITS.webhookPerMinute;
    const afterMs = deps.rate.take(`signed ${found.hookId}`, perMinute);
    if (afterMs !== null) await refuse(signed, deliveryOf(signed, null), rateExceeded(afterMs, perMinute));
  }

  /** Null: the workflow was saved in the meantime, and the latest version's settings hold. */
  async function admit(signed: Signed): Promise<Receipt | null> {
    const { request, hook, type } = signed;
    const body = request.rawBody.length === 0 ? EMPTY : parseBody(type, request.rawBody);
    const repeatKey = repeatKeyOf(hook.signature, request.headers, body.ok ? body.value : null);
    const delivery = deliveryOf(signed, repeatKey);
    if (!body.ok) return refuseUnlessRepeat(signed, delivery, bodyMalformed(body.problem));
    const challenge = challengeOf(hook, body.value);
    if (challenge !== null) return { kind: "challenged", challenge };
    const problems = hook.checkInput(body.value);
    if (problems.length > 0) return refuseUnlessRepeat(signed, delivery, inputInvalid(problems));
    const maxUnfinished = hook.found.limits.unfinishedExecutions ?? DEFAULT_TENANT_LIMITS.unfinishedExecutions;
    return take(signed, delivery, body.value, maxUnfinished, tooManyUnfinished());
  }

  /** Of a tenant that may start nothing, only repeats are taken. */
  function refuseUnlessRepeat(signed: Signed, delivery: DeliveryRecord, refusal: Refusal): Promise<Receipt | null> {
    if (delivery.repeatKey === null) return refuse(signed, delivery, refusal);
    return take(signed, delivery, null, 0, refusal);
  }

  /** The commit (R1). `ifFull`: the refusal where it is no repeat, and nothing more may be started. */
  async function take(
    signed: Signed,
    delivery: DeliveryRecord,
    input: Json,
    maxUnfinished: number,
    ifFull: Refusal,
  ): Promise<Receipt | null> {
    const { tenantId } = signed.hook.found;
    const start = startOf(signed, delivery, input, deps.newId());
    const body = signed.request.rawBody;
    const verdict = await deps.accept({ tenantId, delivery, body, start, maxUnfinished });
    switch (verdict.kind) {
      case "accepted":
        if (!verdict.held) deps.wake({ tenantId, executionId: verdict.executionId });
        return { kind: "accepted", deliveryId: delivery.id, executionId: verdict.executionId };
      case "duplicate":
        return { kind: "duplicate", deliveryId: delivery.id, executionId: verdict.executionId };
      case "full":
        return refuse(signed, delivery, ifFull);
      case "stale":
        return null;
      case "archived":
        throw new AppError("HOOK_GONE");
      default:
        throw new AppError("NOT_FOUND");
    }
  }

  async function refuse(signed: Signed, delivery: DeliveryRecord, refusal: Refusal, isSigned = true): Promise<never> {
    const { tenantId } = signed.hook.found;
    const body = signed.request.rawBody;
    await deps.keepRejected({ tenantId, delivery, body, reason: refusal.reason, signed: isSigned });
    throw refusal.answer;
  }

  function deliveryOf({ request, hook }: Signed, repeatKey: string | null): DeliveryRecord {
    const { hookId, workflowId } = hook.found;
    return {
      id: deps.newId(),
      hookId,
      workflowId,
      repeatKey,
      headers: deliveryHeaders(request.headers),
      query: queryOf(request.search),
      contentType: request.contentType ?? null,
    };
  }
}

const UNKNOWN = { kind: "unknown" } as const;
const EMPTY = { ok: true, value: null } as const;

function startOf(signed: Signed, delivery: DeliveryRecord, input: Json, executionId: string): ExecutionStart {
  const { request, hook, receivedAtMs } = signed;
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
  };
}

function requireBodyType(request: HookRequest): BodyType {
  const type = bodyTypeOf(request.contentType);
  if (type !== null) return type;
  // Without a body there is nothing that a type could be wrong of.
  if (request.rawBody.length === 0) return "text";
  throw new AppError("UNSUPPORTED_MEDIA_TYPE", {
    detail: "Send application/json or any +json, application/x-www-form-urlencoded or text/*, in UTF-8.",
  });
}

function challengeOf(hook: OpenHook, body: Json): string | null {
  if (hook.signature.scheme !== "slack" || !isJsonObject(body) || body["type"] !== "url_verification") return null;
  const challenge = body["challenge"];
  return typeof challenge === "string" ? challenge : null;
}
