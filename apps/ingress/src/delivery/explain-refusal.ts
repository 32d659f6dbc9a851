// Looks into a refused signature with what is known of the tenant's secrets now. Reads; changes and passes nothing.

import type { SigningSecretReader } from "@keelson/db";
import type { HookRequest } from "../hook-request.ts";
import type { OpenHook } from "../hooks/hook-directory.ts";
import { diagnose } from "../signature/doctor/diagnose.ts";
import type { SignatureRefusal } from "../signature/refusal.ts";
import type { Reason } from "./refusal.ts";

export type ExplainRefusal = (refused: {
  readonly request: HookRequest;
  readonly hook: OpenHook;
  readonly refusal: SignatureRefusal;
  /** When it arrived. */
  readonly nowMs: number;
}) => Promise<Reason>;

export function createExplainRefusal(secrets: SigningSecretReader): ExplainRefusal {
  return async ({ request, hook, refusal, nowMs }) => {
    const { signature } = hook;
    if (signature.scheme === "none") return refusal;
    const known = await secrets.read(hook.found.tenantId, signature.secrets);
    return diagnose({ ...request, signature, refusal, nowMs, secrets: known });
  };
}
