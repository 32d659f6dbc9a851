// Lists of executions, newest first: ids sort by time, so that every list is a walk backwards over one of the indexes that
// end with the id (execution-walks.ts).

import { type ExecutionFilter, isEnded } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { partsOf, waysOf } from "./execution-walks.ts";
import { EXECUTION_HEAD, type ExecutionHead } from "./executions.ts";
import { idRange } from "./id-range.ts";
import type { Page } from "./page.ts";
import { shortestOf, walkCount, walkList, type Walks } from "./walk.ts";

/** `before`: where the page before ended. */
export async function executionList(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ExecutionHead>> {
  const walks = await executionWalks(tx, tenantId, filter, page.before);
  return walks === null ? { items: [], more: false } : walkList(tx, walks, EXECUTION_HEAD, page.limit);
}

/** How many match, `cap` at most, of those that are looked at; exact if those are all there are. */
export async function executionCount(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  cap: number,
): Promise<{ readonly value: number; readonly exact: boolean }> {
  const walks = await executionWalks(tx, tenantId, filter, null);
  if (walks === null) return { value: 0, exact: true };
  const { hits, complete } = await walkCount(tx, walks, cap);
  return { value: Math.min(hits, cap), exact: complete };
}

/** How many steps each of these versions has. */
export async function versionStepCounts(
  tx: TenantTx,
  tenantId: string,
  versionIds: readonly string[],
): Promise<Map<string, number>> {
  if (versionIds.length === 0) return new Map();
  const rows = await tx.$queryRaw<{ id: string; steps: number }[]>`
    select v.id, json_array_length(v.definition -> 'steps') as steps from keelson.workflow_versions v
    where v.tenant_id = ${tenantId}::uuid and v.id = any(${versionIds}::uuid[])`;
  return new Map(rows.map((row) => [row.id, row.steps]));
}

/** Conditions on `e`; null where nothing can match. */
export async function executionConditions(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
): Promise<Prisma.Sql[] | null> {
  const workflows = await workflowsOf(tx, tenantId, filter);
  if (workflows?.length === 0) return null;
  const { from, to } = idRange(filter, null);
  return [
    Prisma.sql`e.tenant_id = ${tenantId}::uuid`,
    Prisma.sql`e.id >= ${from}::uuid`,
    Prisma.sql`e.id < ${to}::uuid`,
    // Implied as well; it lets the index of those alone be used.
    ...(filter.status?.every((one) => !isEnded(one)) === true ? [Prisma.sql`e.finished_at is null`] : []),
    ...partsOf(filter, workflows, "of all").values(),
  ];
}

async function executionWalks(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  before: string | null,
): Promise<Walks | null> {
  const workflows = await workflowsOf(tx, tenantId, filter);
  if (workflows?.length === 0) return null;
  const parts = partsOf(filter, workflows, "of rows");
  const [first, ...others] = waysOf(filter, workflows).map(({ walks, answers }) => {
    const left = [...parts].filter(([part]) => !answers.includes(part));
    const residual = left.map(([, condition]) => condition);
    const dear = left.some(([part]) => part.startsWith("label"));
    return { tenantId, walks, residual, dear, ...idRange(filter, before) };
  });
  return first === undefined ? null : shortestOf(tx, [first, ...others]);
}

function workflowsOf(tx: TenantTx, tenantId: string, filter: ExecutionFilter): Promise<string[] | undefined> {
  return filter.workflow === undefined ? Promise.resolve(undefined) : workflowIds(tx, tenantId, filter.workflow);
}

/** Workflows by id or by name, archived ones too. */
export async function workflowIds(tx: TenantTx, tenantId: string, refs: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select w.id from keelson.workflows w where w.tenant_id = ${tenantId}::uuid
      and (w.id::text = any(${refs}::text[]) or w.name = any(${refs}::text[]))`;
  return rows.map((row) => row.id);
}
