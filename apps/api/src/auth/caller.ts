import type { Scope, TenantLimits } from "@keelson/contracts";
import type { Actor } from "@keelson/db";

/** Whoever calls with a tenant's API key. */
export interface TenantCaller {
  readonly kind: "apiKey";
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string };
  readonly limits: TenantLimits;
  readonly apiKey: {
    readonly id: string;
    readonly name: string;
    readonly prefix: string;
    readonly scopes: readonly Scope[];
    readonly expiresAt: Date | null;
  };
}

/** Whoever calls with the operator's token. */
export interface OperatorCaller {
  readonly kind: "operator";
}

export type Caller = TenantCaller | OperatorCaller;

/** For the audit log. */
export function actorOf(caller: Caller): Actor {
  return caller.kind === "operator" ? { type: "operator", id: null } : { type: "apiKey", id: caller.apiKey.id };
}
