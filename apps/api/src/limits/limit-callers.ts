// Each request made with an API key counts against the key's `apiPerMinute`, over all instances, and every answer to it says
// in `RateLimit-*` what is left. It is counted before its scope is judged or anything of it is read, so that a refused request
// has changed nothing. The operator is not limited.

import type { RateVerdict, SharedRate } from "@keelson/queue";
import { AppError, addLogFields } from "@keelson/service-kit";
import type { Request } from "express";
import type { Authenticator } from "../auth/authenticate.ts";
import type { Caller } from "../auth/caller.ts";

/** The same authenticator; refuses a known key with `RATE_LIMITED` as well. */
export function limitCallers(authenticator: Authenticator, rate: SharedRate): Authenticator {
  async function counted<C extends Caller>(req: Request, caller: C): Promise<C> {
    if (caller.kind === "operator") return caller;
    const { tenant, apiKey, limits } = caller;
    const verdict = await rate.take(`api:${apiKey.id}`, limits.apiPerMinute);
    req.res?.set(rateHeaders(verdict));
    if (verdict.passed) return caller;
    if (req.res !== undefined) addLogFields(req.res, { tenant_id: tenant.id, api_key_id: apiKey.id });
    throw rateExceeded(verdict);
  }
  return {
    tenant: async (req) => counted(req, await authenticator.tenant(req)),
    operator: (req) => authenticator.operator(req),
    anyone: async (req) => counted(req, await authenticator.anyone(req)),
  };
}

/** As the widely used sixth draft of "RateLimit header fields for HTTP" has them; `w` in seconds. */
function rateHeaders({ limit, remaining, resetMs }: RateVerdict): Record<string, string> {
  return {
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(wholeSeconds(resetMs)),
    "ratelimit-policy": `${limit};w=60`,
  };
}

function rateExceeded({ limit, resetMs }: RateVerdict): AppError {
  const seconds = wholeSeconds(resetMs);
  return new AppError("RATE_LIMITED", {
    detail:
      `This API key has made the ${limit} requests a minute that its tenant's limit \`apiPerMinute\` allows: ` +
      `wait ${seconds} s, or ask the operator for a higher limit. Other keys of the tenant are counted apart.`,
    headers: { "retry-after": String(seconds) },
  });
}

/** At least 1: who waits so long finds the time over. */
function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
