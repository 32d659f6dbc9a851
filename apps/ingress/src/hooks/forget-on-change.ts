import type { HookDirectory } from "./hook-directory.ts";

/** What a change message names first, whatever follows: `tenant:<id>`. */
const OF_TENANT = /^tenant:([0-9a-f-]{36})(?![0-9a-f-])/;

/** A message of a change of one tenant's drops what is remembered of it; any other drops everything. */
export function forgetOnChange(hooks: Pick<HookDirectory, "forgetTenant" | "forgetAll">): (message: string) => void {
  return (message) => {
    const tenantId = OF_TENANT.exec(message)?.[1];
    if (tenantId === undefined) hooks.forgetAll();
    else hooks.forgetTenant(tenantId);
  };
}
