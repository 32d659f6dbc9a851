// Who calls: a tenant by an API key, or the operator by the token. Each kind of call takes one of them alone.

import { createHash, timingSafeEqual } from "node:crypto";
import type { Scope } from "@keelson/contracts";
import { AppError } from "@keelson/service-kit";
import type { Request } from "express";
import { isApiKey } from "./api-key.ts";
import type { Caller, OperatorCaller, TenantCaller } from "./caller.ts";
import type { WrongKeys } from "../limits/wrong-keys.ts";
import type { KeyDirectory, KeyVerdict } from "./key-directory.ts";

/** Refuses with `UNAUTHENTICATED`, and with `RATE_LIMITED` where an address goes on and on with wrong keys. */
export interface Authenticator {
  /** The tenant behind a key. */
  tenant(req: Request): Promise<TenantCaller>;
  operator(req: Request): OperatorCaller;
  anyone(req: Request): Promise<Caller>;
}

export function createAuthenticator(deps: {
  readonly keys: Pick<KeyDirectory, "find">;
  readonly adminToken: string;
  readonly wrongKeys: WrongKeys;
}): Authenticator {
  const tokenDigest = digest(deps.adminToken);
  const isOperator = (token: string) => timingSafeEqual(digest(token), tokenDigest);

  async function tenantOf(req: Request, token: string): Promise<TenantCaller> {
    if (!isApiKey(token)) {
      const isIt = isOperator(token)
        ? "the operator's token, but this call takes a tenant's API key"
        : "not an API key";
      throw refusal(req, `This is ${isIt}.`);
    }
    const verdict = await deps.keys.find(token, deps.wrongKeys.exceeded(addressOf(req)) ? "queued" : "now");
    if (verdict.kind === "caller") return verdict.caller;
    throw refusal(req, REASONS[verdict.reason]);
  }

  function bearerToken(req: Request): string {
    const header = req.get("authorization");
    if (header === undefined) throw refusal(req, "Send an API key as `Authorization: Bearer <key>`.");
    const token = /^bearer +([\x21-\x7e]+)$/i.exec(header)?.[1];
    if (token === undefined) throw refusal(req, "The header `Authorization` must be `Bearer <key>`.");
    return token;
  }

  function refusal(req: Request, detail: string): AppError {
    const waitMs = deps.wrongKeys.count(addressOf(req));
    if (waitMs === null) return new AppError("UNAUTHENTICATED", { detail, headers: { "www-authenticate": "Bearer" } });
    const seconds = Math.max(1, Math.ceil(waitMs / 1000));
    return new AppError("RATE_LIMITED", {
      detail: `${detail} Too many requests without a valid key came from this address: mend the key, or wait ${seconds} s.`,
      headers: { "retry-after": String(seconds) },
    });
  }

  return {
    tenant: async (req) => tenantOf(req, bearerToken(req)),
    operator(req) {
      if (isOperator(bearerToken(req))) return { kind: "operator" };
      throw refusal(req, "This call takes the operator's token.");
    },
    async anyone(req) {
      const token = bearerToken(req);
      return isOperator(token) ? { kind: "operator" } : tenantOf(req, token);
    },
  };
}

/** Refuses with `FORBIDDEN_SCOPE`; scopes stand alone, none holds another. */
export function requireScope(caller: TenantCaller, scope: Scope): void {
  if (caller.apiKey.scopes.includes(scope)) return;
  const has = caller.apiKey.scopes.join(", ");
  throw new AppError("FORBIDDEN_SCOPE", { detail: `This call needs the scope "${scope}"; the key has: ${has}.` });
}

const REASONS: Record<Extract<KeyVerdict, { kind: "refused" }>["reason"], string> = {
  unknown: "There is no such API key.",
  revoked: "The API key has been revoked.",
  expired: "The API key has expired.",
  tenantDeleted: "The API key's tenant has been deleted.",
};

/** As the socket has it: what a header says of it could be made up. */
function addressOf(req: Request): string {
  return req.socket.remoteAddress ?? "unknown";
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
