// Changes that other instances may have cached the old state of. Told of after their commit; a message that is lost costs no
// more than the caches' short lives. Every message begins with whose change it is: `tenant:<id>`, `tenant:<id>:<kind>:<id>`.

import { publishChange } from "@keelson/queue";
import type { KeyDirectory } from "./auth/key-directory.ts";

export interface Changes {
  apiKey(tenantId: string, keyId: string): void;
  tenant(tenantId: string): void;
  secret(tenantId: string, name: string): void;
  workflow(tenantId: string, workflowId: string): void;
}

type Redis = Parameters<typeof publishChange>[0];

export function createChanges(deps: {
  readonly redis: Redis;
  readonly prefix: string;
  readonly keys: KeyDirectory;
}): Changes {
  const publish = (message: string) => publishChange(deps.redis, deps.prefix, message);
  return {
    apiKey(tenantId, keyId) {
      deps.keys.forget({ tenantId, keyId });
      publish(`tenant:${tenantId}:apiKey:${keyId}`);
    },
    tenant(tenantId) {
      deps.keys.forget({ tenantId });
      publish(`tenant:${tenantId}`);
    },
    secret: (tenantId, name) => publish(`tenant:${tenantId}:secret:${name}`),
    workflow: (tenantId, workflowId) => publish(`tenant:${tenantId}:workflow:${workflowId}`),
  };
}

/** What another instance told of, as far as this service caches it. */
export function applyChange(keys: KeyDirectory, message: string): void {
  const [, tenantId, kind, id] = message.split(":");
  if (tenantId === undefined) keys.forgetAll();
  else if (kind === undefined) keys.forget({ tenantId });
  else if (kind === "apiKey" && id !== undefined) keys.forget({ tenantId, keyId: id });
}
