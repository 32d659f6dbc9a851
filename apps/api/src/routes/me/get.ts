import { Me } from "@keelson/contracts";
import packageJson from "../../../package.json" with { type: "json" };
import type { Caller } from "../../auth/caller.ts";
import { anyoneRoute } from "../../http/route.ts";

/** Whose key this is; no scope needed. */
export const getMe = anyoneRoute({
  method: "get",
  path: "/v1/me",
  answers: { 200: Me },
  doc: {
    operationId: "getMe",
    tag: "Account",
    summary: "Say whose key this is",
    description: "Takes any key, whatever its scopes, and the operator's token.",
    refusals: [],
  },
  async handle({ caller, deps }) {
    const server = { version: packageJson.version, time: new Date().toISOString(), ingressUrl: deps.ingressUrl };
    return { status: 200, body: { ...whoIs(caller), server } satisfies Me };
  },
});

function whoIs(caller: Caller): Omit<Me, "server"> {
  if (caller.kind === "operator") return { kind: "operator", tenant: null, apiKey: null };
  const { tenant, limits, apiKey } = caller;
  const { id, name, prefix, scopes, expiresAt } = apiKey;
  return {
    kind: "tenant",
    tenant: { ...tenant, limits },
    apiKey: { id, name, prefix, scopes: [...scopes], expiresAt: expiresAt?.toISOString() ?? null },
  };
}
