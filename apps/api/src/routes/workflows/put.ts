// PUT: creates a workflow, or adds a version, or finds that nothing has changed. By name, the document must carry that name;
// by id, it may carry another, which renames the workflow.

import { DryRunAnswer, LIMITS, SaveQuery, Workflow, WorkflowDefinition, type WorkflowRef } from "@keelson/contracts";
import { type DefinitionProblem, definitionWarnings } from "@keelson/dag";
import {
  type LockedWorkflow,
  type TenantTx,
  type WorkflowKey,
  type WorkflowRow,
  isUniqueViolation,
  workflowAddVersion,
  workflowGet,
  workflowInsert,
  workflowLock,
} from "@keelson/db";
import { AppError } from "@keelson/service-kit";
import { z } from "zod";
import type { TenantCaller } from "../../auth/caller.ts";
import { WorkflowPath, workflowKey } from "../../http/path.ts";
import { type Answer, type Call, tenantRoute } from "../../http/route.ts";
import { EXAMPLE_WORKFLOW } from "../../openapi/example-workflow.ts";
import { type ReadDocument, readDocument } from "./document.ts";
import { changeNote, requireMatch } from "./preconditions.ts";
import { etagOf, presentWorkflow } from "./present.ts";
import { auditSave, contentHashOf, newVersionOf, savedWorkflow } from "./saved.ts";

interface Saved {
  readonly answer: Answer;
  /** Null where nothing was saved. */
  readonly workflowId: string | null;
}

type PutCall = Call<TenantCaller, { ref: WorkflowRef }, SaveQuery, unknown>;

export const putWorkflow = tenantRoute({
  method: "put",
  path: "/v1/workflows/:ref",
  answers: { 200: z.union([Workflow, DryRunAnswer]), 201: Workflow },
  doc: {
    operationId: "putWorkflow",
    tag: "Workflows",
    summary: "Create a workflow, or save a new version of it",
    description:
      "An identical document makes no new version. By name, the document must carry that name; by id it may carry another, which renames the workflow.",
    refusals: ["NAME_TAKEN", "WORKFLOW_ARCHIVED", "VERSION_STALE", "INVALID_DEFINITION"],
    example: EXAMPLE_WORKFLOW,
    bodySchema: WorkflowDefinition,
    requestHeaders: ["If-Match", "Keelson-Change-Note"],
    answerHeaders: { 201: ["ETag", "Location"] },
  },
  scope: "write",
  params: WorkflowPath,
  query: SaveQuery,
  body: z.unknown(),
  maxBodyBytes: LIMITS.documentBytes,
  async handle(call) {
    const document = readDocument(call.body);
    const key = workflowKey(call.params.ref);
    const tenantId = call.caller.tenant.id;
    try {
      const saved = await call.deps.db.withTenant(tenantId, async (tx) => {
        const target = await checkTarget(tx, call, key);
        const problems = "name" in key ? nameProblems(key.name, document) : [];
        const checked = await document.check(tx, tenantId, { problems, workflowId: target?.id ?? null });
        return call.query.dryRun === true
          ? dryRun(tx, tenantId, target, checked.definition)
          : save(tx, call, target, checked.definition);
      });
      if (saved.workflowId !== null) call.deps.changes.workflow(tenantId, saved.workflowId);
      return saved.answer;
    } catch (error) {
      if (isUniqueViolation(error)) throw nameTaken(document.name ?? "");
      throw error;
    }
  },
});

/** The workflow to add a version to, locked unless this is a dry run; null: one is to be created. */
async function checkTarget(tx: TenantTx, call: PutCall, key: WorkflowKey): Promise<LockedWorkflow | null> {
  const target = await workflowLock(tx, call.caller.tenant.id, key);
  if (target === null && "id" in key) throw new AppError("NOT_FOUND");
  requireMatch(call.req, target?.latestVersion ?? null);
  if (target?.status === "archived") throw new AppError("WORKFLOW_ARCHIVED");
  return target;
}

async function dryRun(
  tx: TenantTx,
  tenantId: string,
  target: LockedWorkflow | null,
  definition: WorkflowDefinition,
): Promise<Saved> {
  const warnings = definitionWarnings(definition, new Date());
  if (target === null) return notSaved({ changed: true, nextVersion: 1, warnings });
  const changed = target.contentHash !== contentHashOf(definition);
  if (definition.name !== target.name && (await workflowGet(tx, tenantId, definition)) !== null) {
    throw nameTaken(definition.name);
  }
  const nextVersion = changed ? target.latestVersion + 1 : target.latestVersion;
  return notSaved({ changed, nextVersion, warnings });
}

function notSaved(body: DryRunAnswer): Saved {
  return { answer: { status: 200, body }, workflowId: null };
}

async function save(
  tx: TenantTx,
  call: PutCall,
  target: LockedWorkflow | null,
  definition: WorkflowDefinition,
): Promise<Saved> {
  const tenantId = call.caller.tenant.id;
  const version = newVersionOf(definition, call.caller, changeNote(call.req));
  if (target === null) {
    const id = await workflowInsert(tx, tenantId, version);
    if (id !== null) {
      await auditSave(tx, call.caller, "workflow.created", { id, name: definition.name, version: 1 });
      return present(call, 201, await savedWorkflow(tx, tenantId, id), definition);
    }
    // Somebody else has created it in the meantime; it is not a surprise to whoever says PUT.
    const other = await checkTarget(tx, call, { name: definition.name });
    if (other === null) throw nameTaken(definition.name);
    return save(tx, call, other, definition);
  }
  if (target.contentHash !== version.contentHash) {
    await workflowAddVersion(tx, tenantId, target, version);
    const added = { id: target.id, name: definition.name, version: target.latestVersion + 1 };
    await auditSave(tx, call.caller, "workflow.updated", added);
  }
  return present(call, 200, await savedWorkflow(tx, tenantId, target.id), definition);
}

function present({ deps }: PutCall, status: number, row: WorkflowRow, definition: WorkflowDefinition): Saved {
  const body = { ...presentWorkflow(row, deps.ingressUrl), warnings: definitionWarnings(definition, new Date()) };
  const location = status === 201 ? { location: `/v1/workflows/${row.id}` } : {};
  const answer = { status, body, headers: { ...etagOf(row.latestVersion), ...location } };
  return { answer, workflowId: row.id };
}

function nameProblems(name: string, document: ReadDocument): DefinitionProblem[] {
  if (document.name === null || document.name === name) return [];
  const message = `The document's name "${document.name}" is not the path's, "${name}". Make them the same; to rename a workflow, PUT by its id.`;
  return [{ path: "/name", code: "INVALID_FIELD", message }];
}

function nameTaken(name: string): AppError {
  return new AppError("NAME_TAKEN", { detail: `Another workflow has the name "${name}".` });
}
