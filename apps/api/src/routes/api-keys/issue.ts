// A new key for a tenant, whoever asks for it: the tenant itself, or the operator for one that has lost its own.

import { type CreateApiKey, type CreatedApiKey, SCOPES } from "@keelson/contracts";
import { type TenantTx, apiKeyCreate, auditWrite } from "@keelson/db";
import { AppError, newId } from "@keelson/service-kit";
import { newApiKey } from "../../auth/api-key.ts";
import { type Caller, actorOf } from "../../auth/caller.ts";
import { presentApiKey } from "./present.ts";

/** Refuses with `INVALID_REQUEST` a key that would have expired already. The key itself is in this answer and nowhere else. */
export async function issueApiKey(
  tx: TenantTx,
  tenantId: string,
  { name, scopes = [...SCOPES], expiresAt = null }: CreateApiKey,
  caller: Caller,
): Promise<CreatedApiKey> {
  if (expiresAt !== null && expiresAt.getTime() <= Date.now()) throw expiredAlready(expiresAt);
  const { key, prefix, hash } = newApiKey();
  const id = newId();
  const record = await apiKeyCreate(tx, tenantId, { id, hash, prefix, name, scopes, expiresAt });
  await auditWrite(tx, tenantId, {
    actor: actorOf(caller),
    action: "apiKey.created",
    target: { type: "apiKey", id },
    details: { name, scopes: [...scopes], expiresAt: expiresAt?.toISOString() ?? null },
  });
  return { ...presentApiKey(record), key };
}

function expiredAlready(expiresAt: Date): AppError {
  const message = `expiresAt must lie in the future, but is ${expiresAt.toISOString()}. Send a later time, or leave it out.`;
  return new AppError("INVALID_REQUEST", { errors: [{ path: "/expiresAt", code: "CUSTOM", message }] });
}
