import { PutSecret } from "@keelson/contracts";
import { auditWrite, secretPut } from "@keelson/db";
import { actorOf } from "../../auth/caller.ts";
import { SecretPath } from "../../http/path.ts";
import { tenantRoute } from "../../http/route.ts";

/** A secret of 65,536 characters, each escaped. */
const MAX_BODY_BYTES = 512 * 1024;

export const putSecret = tenantRoute({
  method: "put",
  path: "/v1/secrets/:name",
  answers: { 204: null },
  doc: {
    operationId: "putSecret",
    tag: "Secrets",
    summary: "Set a secret",
    description: "Creates or replaces it; in force within a second, for requests that are sent and for signatures.",
    refusals: [],
    example: { value: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
  },
  scope: "write",
  params: SecretPath,
  body: PutSecret,
  maxBodyBytes: MAX_BODY_BYTES,
  async handle({ params: { name }, body, caller, deps }) {
    const tenantId = caller.tenant.id;
    const sealed = deps.secretBox.seal(tenantId, name, body.value);
    await deps.db.withTenant(tenantId, async (tx) => {
      const done = await secretPut(tx, tenantId, name, sealed);
      await auditWrite(tx, tenantId, {
        actor: actorOf(caller),
        action: `secret.${done}`,
        target: { type: "secret", id: name },
      });
    });
    deps.changes.secret(tenantId, name);
    return { status: 204 };
  },
});
