// The life of a webhook request, stage by stage: each either passes it on or refuses it.
//  R1. A 202 is a commit (I6), and the commit is one statement.
//  R2. Nothing is parsed, counted against the producer or told to the sender before the signature holds.
//  R3. A repeat of an accepted delivery wins over whatever its body would be refused for; the rate stands before both,
//      since it counts requests.
//  R4. What is remembered of a hook may be as old as a second, but starts no version but the latest.

import { DEFAULT_TENANT_LIMITS, type Json, assertNever, failPoint } from "@keelson/contracts";
import type { DeliveryRecord, DeliveryRequest, DeliveryVerdict } from "@keelson/db";
import type { SharedRate } from "@keelson/queue";
import { AppError, type BodyType, bodyTypeOf, parseBody } from "@keelson/service-kit";
import { deliveryRecord, startRecord } from "./delivery/records.ts";
import {
  type Refusal,
  bodyMalformed,
  inputInvalid,
  rateExceeded,
  rateLimited,
  signatureInvalid,
  tooManyUnfinished,
} from "./delivery/refusal.ts";
import type { ExplainRefusal } from "./delivery/explain-refusal.ts";
import type { Rejections } from "./delivery/rejections.ts";
import type { HookDirectory, OpenHook } from "./hooks/hook-directory.ts";
import type { HookRequest } from "./hook-request.ts";
import type { RateLimit } from "./limits/rate-limit.ts";
import type { SignatureRefusal } from "./signature/refusal.ts";
import { repeatKeyOf } from "./signature/repeat-key.ts";
import { slackChallenge } from "./signature/slack-challenge.ts";
import { verifySignature } from "./signature/verify-signature.ts";

export type Receipt =
  | {
      readonly kind: "accepted" | "duplicate";
      readonly tenantId: string;
      readonly deliveryId: string;
      readonly executionId: string;
    }
  /** Slack's check of the address, which starts nothing. */
  | { readonly kind: "challenged"; readonly challenge: string };

export interface ReceiverDeps {
  readonly hooks: Pick<HookDirectory, "find" | "findAnew">;
  readonly accept: (request: DeliveryRequest) => Promise<DeliveryVerdict>;
  readonly rejections: Pick<Rejections, "keepSigned" | "keepUnsigned">;
  readonly explain: ExplainRefusal;
  /** Of rightly signed requests, over all instances. */
  readonly signedRate: SharedRate;
  /** Of all else, in this process. */
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

/** A request to a hook that takes some, with what it is judged by. */
interface Arrived {
  readonly request: HookRequest;
  readonly hook: OpenHook;
  readonly type: BodyType;
  readonly note: Note;
  readonly receivedAtMs: number;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Wrongly signed requests a minute to one hook that are refused with 401; more of them with 429. */
const WRONG_PER_MINUTE = 600;
/** Of these, so many are not refused before the hook was looked up anew: its settings may just have changed. */
const SECOND_LOOKS_PER_MINUTE = 30;
/** A workflow that is saved again and again while one request is judged is given up on. */
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
    let counted = false;
    for (let look = 0; look < MAX_LOOKS; look++) {
      const hook = await requireHook(request, look > 0);
      const { tenantId, workflowName: workflow, triggerId: trigger_id } = hook.found;
      note({ tenant_id: tenantId, workflow, trigger_id });
      const arrived = { request, hook, type, note, receivedAtMs };
      const verdict = verifySignature({ ...hook, ...request, nowMs: receivedAtMs });
      if (!verdict.ok) {
        if (look === 0 && mayLookAgain(hook)) continue;
        return refuseWrong(arrived, verdict.reason);
      }
      if (!counted) await requireRate(arrived);
      counted = true;
      const receipt = await admit(arrived);
      if (receipt !== null) return receipt;
    }
    throw new AppError("UNAVAILABLE", { headers: { "retry-after": "1" } });
  };

  async function requireHook(request: HookRequest, anew: boolean): Promise<OpenHook> {
    const hookId = request.hookId.toLowerCase();
    const wellFormed = UUID.test(hookId);
    const hook = wellFormed ? await (anew ? deps.hooks.findAnew(hookId) : deps.hooks.find(hookId)) : UNKNOWN;
    if (hook.kind === "open") return hook;
    verifySignature({ ...DUMMY, ...request, nowMs: deps.nowMs() });
    throw new AppError(hook.kind === "gone" ? "HOOK_GONE" : "NOT_FOUND");
  }

  function mayLookAgain(hook: OpenHook): boolean {
    return deps.rate.take(`look ${hook.found.hookId}`, SECOND_LOOKS_PER_MINUTE) === null;
  }

  async function refuseWrong(arrived: Arrived, reason: SignatureRefusal): Promise<never> {
    const afterMs = deps.rate.take(`wrong ${arrived.hook.found.hookId}`, WRONG_PER_MINUTE);
    if (afterMs !== null) throw rateLimited(afterMs);
    const { request, hook, receivedAtMs: nowMs, note } = arrived;
    note({ reason: reason.code });
    const rejected = {
      tenantId: hook.found.tenantId,
      delivery: recordOf(arrived, null),
      body: request.rawBody,
      reason,
    };
    deps.rejections.keepUnsigned(rejected, () => deps.explain({ request, hook, refusal: reason, nowMs }));
    throw signatureInvalid();
  }

  async function requireRate(arrived: Arrived): Promise<void> {
    const { hookId, limits } = arrived.hook.found;
    const perMinute = limits.webhookPerMinute ?? DEFAULT_TENANT_LIMITS.webhookPerMinute;
    const { passed, resetMs } = await deps.signedRate.take(`hook:${hookId}`, perMinute);
    if (!passed) await refuse(arrived, recordOf(arrived, null), rateExceeded(resetMs, perMinute));
  }

  /** Null: the workflow was saved in the meantime, and the latest version's settings hold. */
  async function admit(arrived: Arrived): Promise<Receipt | null> {
    const { request, hook, type } = arrived;
    const body = request.rawBody.length === 0 ? EMPTY : parseBody(type, request.rawBody);
    const repeatKey = repeatKeyOf(hook.signature, request.headers, body.ok ? body.value : null);
    const delivery = recordOf(arrived, repeatKey);
    if (!body.ok) return refuseUnlessRepeat(arrived, delivery, bodyMalformed(body.problem));
    const challenge = slackChallenge(hook.signature, body.value);
    if (challenge !== null) return { kind: "challenged", challenge };
    const problems = hook.checkInput(body.value);
    if (problems.length > 0) return refuseUnlessRepeat(arrived, delivery, inputInvalid(problems));
    const maxUnfinished = hook.found.limits.unfinishedExecutions ?? DEFAULT_TENANT_LIMITS.unfinishedExecutions;
    return take(arrived, delivery, body.value, maxUnfinished, tooManyUnfinished);
  }

  /** Where nothing may be started, a repeat is still taken, and a version that is not the latest found out. */
  function refuseUnlessRepeat(arrived: Arrived, delivery: DeliveryRecord, refusal: Refusal): Promise<Receipt | null> {
    return take(arrived, delivery, null, 0, () => refusal);
  }

  /** The commit (R1). `ifFull`: the refusal where it is no repeat, and nothing more may be started. */
  async function take(
    arrived: Arrived,
    delivery: DeliveryRecord,
    input: Json,
    maxUnfinished: number,
    ifFull: () => Refusal,
  ): Promise<Receipt | null> {
    const { tenantId } = arrived.hook.found;
    const start = startRecord({ ...arrived, delivery, input, executionId: deps.newId() });
    const body = arrived.request.rawBody;
    const verdict = await deps.accept({ tenantId, delivery, body, start, maxUnfinished });
    switch (verdict.kind) {
      case "accepted":
        failPoint("ingress.delivery.committed");
        if (!verdict.held) deps.wake({ tenantId, executionId: verdict.executionId });
        return { kind: "accepted", tenantId, deliveryId: delivery.id, executionId: verdict.executionId };
      case "duplicate":
        return { kind: "duplicate", tenantId, deliveryId: delivery.id, executionId: verdict.executionId };
      case "full":
        return refuse(arrived, delivery, ifFull());
      case "stale":
        return null;
      case "archived":
        throw new AppError("HOOK_GONE");
      case "unknown":
        throw new AppError("NOT_FOUND");
      default:
        return assertNever(verdict);
    }
  }

  async function refuse(arrived: Arrived, delivery: DeliveryRecord, { answer, reason }: Refusal): Promise<never> {
    arrived.note({ reason: reason.code });
    const { tenantId } = arrived.hook.found;
    await deps.rejections.keepSigned({ tenantId, delivery, body: arrived.request.rawBody, reason });
    throw answer;
  }

  function recordOf(arrived: Arrived, repeatKey: string | null): DeliveryRecord {
    return deliveryRecord({ ...arrived, repeatKey, id: deps.newId() });
  }
}

const UNKNOWN = { kind: "unknown" } as const;
const EMPTY = { ok: true, value: null } as const;

function requireBodyType(request: HookRequest): BodyType {
  const type = bodyTypeOf(request.contentType);
  if (type !== null) return type;
  // Without a body there is nothing that a type could be wrong of.
  if (request.rawBody.length === 0) return "text";
  throw new AppError("UNSUPPORTED_MEDIA_TYPE", {
    detail: "Send application/json or any +json, application/x-www-form-urlencoded or text/*, in UTF-8.",
  });
}
