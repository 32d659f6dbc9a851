// Workflow versions, compiled. They are immutable, so one kept by its id can never be stale.
import { WorkflowDefinition } from "@keelson/contracts";
import { compileWorkflow, type CompiledWorkflow } from "@keelson/dag";
import type { DefinitionStore, ResolvedWorkflow } from "@keelson/engine";
import { LRUCache } from "lru-cache";
import type { Database } from "./database.ts";
import { patiently } from "./patiently.ts";

/** Documents kept compiled, by the size of their text; bytes. */
const CACHE_BYTES = 32 * 1024 * 1024;

/** What a name stands for may change: forgotten when somebody says so, and after this long in any case; ms. */
const NAME_TTL_MS = 900;
const MAX_NAMES = 10_000;

export interface CachedDefinitionStore extends DefinitionStore {
  /** Something was saved, paused or archived somewhere: names are looked up anew. */
  forgetNames(): void;
}

export function createDefinitionStore(
  db: Database,
  options: { readonly nameTtlMs?: number } = {},
): CachedDefinitionStore {
  const names = new LRUCache<string, ResolvedWorkflow>({ max: MAX_NAMES, ttl: options.nameTtlMs ?? NAME_TTL_MS });
  const compiled = new LRUCache<string, CompiledWorkflow>({ maxSize: CACHE_BYTES });
  const loading = new Map<string, Promise<CompiledWorkflow>>();
  /** A look-up that was under way when names were forgotten may have seen what was before. */
  let forgotten = 0;

  async function load(tenantId: string, versionId: string): Promise<CompiledWorkflow> {
    const row = await patiently(() =>
      db.withTenant(tenantId, (tx) =>
        tx.workflowVersion.findUnique({
          where: { tenantId_id: { tenantId, id: versionId } },
          select: { definition: true },
        }),
      ),
    );
    if (row === null) throw new Error(`No workflow version ${versionId}`);
    const workflow = compileWorkflow(WorkflowDefinition.parse(row.definition));
    compiled.set(versionId, workflow, { size: Math.max(1, JSON.stringify(row.definition).length) });
    return workflow;
  }

  return {
    loadVersion(tenantId, versionId) {
      const known = compiled.get(versionId);
      if (known !== undefined) return Promise.resolve(known);
      const under = loading.get(versionId) ?? load(tenantId, versionId).finally(() => loading.delete(versionId));
      loading.set(versionId, under);
      return under;
    },
    forgetNames() {
      forgotten += 1;
      names.clear();
    },
    async resolve(tenantId, name, version) {
      const key = `${tenantId} ${name} ${version ?? "latest"}`;
      const known = names.get(key);
      if (known !== undefined) return known;
      const forgottenBefore = forgotten;
      const found = await patiently(() => resolve(db, tenantId, name, version));
      // A refusal is never remembered: the workflow may be saved the next moment.
      const mayBeKept = found !== null && found.status !== "archived" && forgotten === forgottenBefore;
      if (mayBeKept) names.set(key, found);
      return found;
    },
  };
}

/** By name: the one that is not archived, else the one archived last, so that a refusal can say so. */
async function resolve(
  db: Database,
  tenantId: string,
  name: string,
  version: number | null,
): Promise<ResolvedWorkflow | null> {
  return db.withTenant(tenantId, async (tx) => {
    const workflow = await tx.workflow.findFirst({
      where: { tenantId, name },
      orderBy: [{ archivedAt: { sort: "desc", nulls: "first" } }],
    });
    if (workflow === null) return null;
    const found = await tx.workflowVersion.findUnique({
      where: {
        tenantId_workflowId_version: { tenantId, workflowId: workflow.id, version: version ?? workflow.latestVersion },
      },
      select: { id: true, version: true },
    });
    if (found === null) return null;
    return {
      workflowId: workflow.id,
      name: workflow.name,
      status: workflowStatus(workflow.status),
      versionId: found.id,
      version: found.version,
    };
  });
}

/** The column's CHECK admits no other. */
function workflowStatus(text: string): ResolvedWorkflow["status"] {
  if (text === "active" || text === "paused" || text === "archived") return text;
  throw new Error(`No workflow status: ${text}`);
}
