// What a hook's requests are judged by, remembered for less than a second: so a changed secret or a saved version holds
// everywhere within a second even while Redis is away, and at once where its message arrives.
//  H1. What was looked up before a change was told of is not remembered after it.
//  H2. Only a hook that takes requests is remembered: one that is made, or put back, is found at once.

import type { Signature } from "@keelson/contracts";
import type { CompiledWorkflow, InputCheck } from "@keelson/dag";
import type { FoundHook } from "@keelson/db";
import { LRUCache } from "lru-cache";

export interface OpenHook {
  readonly kind: "open";
  readonly found: FoundHook;
  /** The latest version's. */
  readonly signature: Signature;
  /** Values of those of the signature's secrets that exist. */
  readonly secrets: readonly string[];
  readonly checkInput: InputCheck;
}

/** `gone`: its workflow is archived. `unknown`: there is none, or the latest version has left it out. */
export type HookLookUp = OpenHook | { readonly kind: "gone" | "unknown" };

export interface HookDirectory {
  /** `hookId`: a UUID in lower case. Look-ups of one hook that come together share one. */
  find(hookId: string): Promise<HookLookUp>;
  /** As it is now, whatever is remembered. */
  findAnew(hookId: string): Promise<HookLookUp>;
  /** Something of this tenant has changed. */
  forgetTenant(tenantId: string): void;
  /** Changes may have been missed. */
  forgetAll(): void;
}

export interface HookSources {
  readonly findHook: (hookId: string) => Promise<FoundHook | null>;
  readonly loadVersion: (tenantId: string, versionId: string) => Promise<CompiledWorkflow>;
  readonly readSecrets: (tenantId: string, names: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly inputCheckOf: (workflow: CompiledWorkflow) => InputCheck;
}

const TTL_MS = 900;
const MAX_HOOKS = 10_000;

interface Remembered {
  readonly lookUp: Promise<HookLookUp>;
  /** Null while it is looked up. */
  tenantId: string | null;
}

export function createHookDirectory(deps: HookSources & { readonly monotonicMs: () => number }): HookDirectory {
  const remembered = new LRUCache<string, Remembered>({
    max: MAX_HOOKS,
    ttl: TTL_MS, // counted from the look-up's beginning
    ttlResolution: 0,
    ttlAutopurge: true, // values of secrets do not outlast their use (I8)
    perf: { now: deps.monotonicMs },
  });

  function findAnew(hookId: string): Promise<HookLookUp> {
    const entry: Remembered = { lookUp: lookUpHook(deps, hookId), tenantId: null };
    remembered.set(hookId, entry);
    const forget = (): void => {
      if (remembered.get(hookId) === entry) remembered.delete(hookId);
    };
    entry.lookUp.then((hook) => {
      if (hook.kind === "open") entry.tenantId = hook.found.tenantId;
      else forget();
    }, forget);
    return entry.lookUp;
  }

  return {
    find: (hookId) => remembered.get(hookId)?.lookUp ?? findAnew(hookId),
    findAnew,
    forgetTenant(tenantId) {
      for (const [hookId, entry] of remembered.entries()) {
        if (entry.tenantId === null || entry.tenantId === tenantId) remembered.delete(hookId);
      }
    },
    forgetAll: () => remembered.clear(),
  };
}

async function lookUpHook(sources: HookSources, hookId: string): Promise<HookLookUp> {
  const found = await sources.findHook(hookId);
  if (found === null || found.tenantDeletedAt !== null) return { kind: "unknown" };
  if (found.workflowStatus === "archived") return { kind: "gone" };
  const workflow = await sources.loadVersion(found.tenantId, found.versionId);
  const trigger = workflow.definition.triggers?.find(({ id }) => id === found.triggerId);
  if (trigger?.type !== "webhook") return { kind: "unknown" };
  const { signature } = trigger;
  const names = signature.scheme === "none" ? [] : signature.secrets;
  const values = names.length === 0 ? new Map<string, string>() : await sources.readSecrets(found.tenantId, names);
  return {
    kind: "open",
    found,
    signature,
    secrets: [...values.values()],
    checkInput: sources.inputCheckOf(workflow),
  };
}
