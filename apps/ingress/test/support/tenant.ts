// A tenant with its secrets and workflows, set up as the API would, through the same restricted login.

import { createHash, randomUUID } from "node:crypto";
import type { Json, WorkflowDefinition } from "@keelson/contracts";
import {
  type Database,
  type SecretBox,
  type TenantTx,
  secretDelete,
  secretPut,
  tenantCreate,
  tenantDelete,
  tenantSetLimits,
  workflowAddVersion,
  workflowArchive,
  workflowInsert,
  workflowLock,
  workflowPause,
} from "@keelson/db";
import { v7 as newId } from "uuid";

type Limits = Parameters<typeof tenantSetLimits>[2];
export type Document = Omit<Partial<WorkflowDefinition>, "name">;

export interface DeliveryRow {
  readonly id: string;
  readonly hook_id: string;
  readonly status: string;
  readonly reason: { code: string; text: string; hint: string } | null;
  readonly repeat_key: string | null;
  readonly headers: Record<string, string>;
  readonly query: Record<string, unknown>;
  readonly content_type: string | null;
  readonly body: Uint8Array;
  readonly execution_id: string | null;
}

export interface ExecutionRow {
  readonly id: string;
  readonly status: string;
  readonly version: number;
  readonly trigger_type: string;
  readonly trigger: { readonly headers: Readonly<Record<string, string>>; readonly deliveryId: string };
  readonly input: Json;
  readonly held: boolean;
}

export interface TestTenant {
  readonly id: string;
  secret(name: string, value: string | null): Promise<void>;
  workflow(document: Document): Promise<TestWorkflow>;
  /** Changes limits; the ingresses are not told. */
  limit(limits: Limits): Promise<void>;
  remove(): Promise<void>;
  deliveries(): Promise<DeliveryRow[]>;
  executions(): Promise<ExecutionRow[]>;
}

export interface TestWorkflow {
  readonly id: string;
  /** `/hooks/…` of a trigger. */
  path(triggerId?: string): string;
  /** Saves a new version. */
  save(document: Document): Promise<void>;
  archive(): Promise<void>;
  pause(): Promise<void>;
}

export async function createTenant(db: Database, box: SecretBox, limits: Limits = {}): Promise<TestTenant> {
  const id = newId();
  const within = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => db.withTenant(id, work);
  await within(async (tx) => {
    await tenantCreate(tx, { id, slug: `t-${id}`, name: "Test" });
    await tenantSetLimits(tx, id, limits);
  });
  return {
    id,
    secret: (name, value) =>
      within(async (tx) => {
        if (value === null) await secretDelete(tx, id, name);
        else await secretPut(tx, id, name, box.seal(id, name, value));
      }),
    workflow: (document) => createWorkflow(db, id, document),
    limit: (limits) => within(async (tx) => void (await tenantSetLimits(tx, id, limits))),
    remove: () => within(async (tx) => void (await tenantDelete(tx, id))),
    deliveries: () => within((tx) => tx.$queryRaw<DeliveryRow[]>`select * from keelson.deliveries order by id`),
    executions: () => within((tx) => tx.$queryRaw<ExecutionRow[]>`select * from keelson.executions order by id`),
  };
}

async function createWorkflow(db: Database, tenantId: string, document: Document): Promise<TestWorkflow> {
  const name = `w-${randomUUID()}`;
  const version = (document: Document) => {
    const definition: WorkflowDefinition = {
      name,
      steps: [{ id: "a", type: "transform", config: { output: "{{ input }}" } }],
      ...document,
    };
    const contentHash = createHash("sha256").update(JSON.stringify(definition)).digest("hex");
    return { definition, contentHash, note: null, createdBy: "test" };
  };
  const hooks = new Map<string, string>();
  const readHooks = async (tx: TenantTx, id: string): Promise<void> => {
    const rows = await tx.hook.findMany({ where: { tenantId, workflowId: id } });
    for (const row of rows) hooks.set(row.triggerId, row.id);
  };
  const id = await db.withTenant(tenantId, async (tx) => {
    const id = await workflowInsert(tx, tenantId, version(document));
    if (id === null) throw new Error("The name is taken.");
    await readHooks(tx, id);
    return id;
  });
  return {
    id,
    path: (triggerId = "orders") => `/hooks/${hooks.get(triggerId)}`,
    save: (document) =>
      db.withTenant(tenantId, async (tx) => {
        const locked = await workflowLock(tx, tenantId, { id });
        if (locked === null) throw new Error("The workflow is gone.");
        await workflowAddVersion(tx, tenantId, locked, version(document));
        await readHooks(tx, id);
      }),
    archive: () => db.withTenant(tenantId, (tx) => workflowArchive(tx, tenantId, id)),
    pause: async () => void (await workflowPause(db, tenantId, id)),
  };
}
