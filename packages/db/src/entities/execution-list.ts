// Lists of executions, newest first: ids sort by time, so that every list is a walk backwards over one of the indexes that
// end with the id (migrations/…_executions says which serves what).

import { type ExecutionFilter, isEnded } from "@keelson/contracts";
import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import { EXECUTION_HEAD, type ExecutionHead } from "./executions.ts";
import { type Page, pageFrom } from "./page.ts";

/** Ids are made by the services' clocks, `created_at` by PostgreSQL's: by how much the two may differ, in ms. */
const CLOCK_SLACK_MS = 10 * 60 * 1000;

/** `before`: the last id of the page before. */
export async function executionList(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  page: { readonly before: string | null; readonly limit: number },
): Promise<Page<ExecutionHead>> {
  const conditions = await executionConditions(tx, tenantId, filter);
  if (conditions === null) return { items: [], more: false };
  if (page.before !== null) conditions.push(Prisma.sql`e.id < ${page.before}::uuid`);
  const rows = await tx.$queryRaw<ExecutionHead[]>`
    select ${EXECUTION_HEAD} from keelson.executions e
    where ${Prisma.join(conditions, " and ")} order by e.id desc limit ${page.limit + 1}`;
  return pageFrom(rows, page.limit);
}

/** How many match; stops counting at `cap` + 1. */
export async function executionCount(
  tx: TenantTx,
  tenantId: string,
  filter: ExecutionFilter,
  cap: number,
): Promise<number> {
  const conditions = await executionConditions(tx, tenantId, filter);
  if (conditions === null) return 0;
  const rows = await tx.$queryRaw<{ count: number }[]>`
    select count(*)::int as count from (
      select from keelson.executions e where ${Prisma.join(conditions, " and ")} limit ${cap + 1}
    ) as counted`;
  return rows[0]?.count ?? 0;
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
  const { status, trigger, errorCode, failedStep, version, parent, replayOf, retrying, since, until, label } = filter;
  const conditions = [Prisma.sql`e.tenant_id = ${tenantId}::uuid`];
  if (filter.workflow !== undefined) {
    const ids = await workflowIds(tx, tenantId, filter.workflow);
    if (ids.length === 0) return null;
    conditions.push(oneOf(Prisma.sql`e.workflow_id`, ids, Prisma.sql`uuid`));
  }
  if (version !== undefined) conditions.push(oneOf(Prisma.sql`e.version`, version, Prisma.sql`int`));
  if (status !== undefined) conditions.push(oneOf(Prisma.sql`e.status`, status, Prisma.sql`text`));
  // Implied as well; it lets the index of those alone be used.
  if (status?.every((one) => !isEnded(one))) conditions.push(Prisma.sql`e.finished_at is null`);
  if (trigger !== undefined) conditions.push(oneOf(Prisma.sql`e.trigger_type`, trigger, Prisma.sql`text`));
  if (parent !== undefined) conditions.push(oneOf(Prisma.sql`e.parent_id`, parent, Prisma.sql`uuid`));
  if (replayOf !== undefined) conditions.push(oneOf(Prisma.sql`e.replay_of`, replayOf, Prisma.sql`uuid`));
  if (errorCode !== undefined) {
    // `status` is implied; written out, it lets the partial index be used.
    conditions.push(Prisma.sql`e.status = 'failed'`, oneOf(Prisma.sql`e.error_code`, errorCode, Prisma.sql`text`));
  }
  if (failedStep !== undefined) {
    conditions.push(Prisma.sql`e.status = 'failed'`, oneOf(Prisma.sql`e.failed_step`, failedStep, Prisma.sql`text`));
  }
  if (retrying !== undefined) conditions.push(retrying ? Prisma.sql`e.retrying` : Prisma.sql`not e.retrying`);
  if (since !== undefined) {
    const floor = idAt(since.getTime() - CLOCK_SLACK_MS);
    conditions.push(Prisma.sql`e.created_at >= ${since}`, Prisma.sql`e.id >= ${floor}::uuid`);
  }
  if (until !== undefined) {
    const ceiling = idAt(until.getTime() + CLOCK_SLACK_MS);
    conditions.push(Prisma.sql`e.created_at < ${until}`, Prisma.sql`e.id < ${ceiling}::uuid`);
  }
  for (const { name, value } of label ?? []) {
    conditions.push(Prisma.sql`exists (
      select from keelson.execution_labels l where l.tenant_id = e.tenant_id and l.name = ${name}
        and l.value = ${value} and l.execution_id = e.id)`);
  }
  return conditions;
}

/** Workflows by id or by name, archived ones too. */
export async function workflowIds(tx: TenantTx, tenantId: string, refs: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select w.id from keelson.workflows w where w.tenant_id = ${tenantId}::uuid
      and (w.id::text = any(${refs}::text[]) or w.name = any(${refs}::text[]))`;
  return rows.map((row) => row.id);
}

/** A single value is compared with `=`, so that an index which goes on with the id yields rows in their order. */
function oneOf(column: Prisma.Sql, values: readonly (string | number)[], type: Prisma.Sql): Prisma.Sql {
  const [only] = values;
  return values.length === 1
    ? Prisma.sql`${column} = ${only}::${type}`
    : Prisma.sql`${column} = any(${values}::${type}[])`;
}

/** The lowest UUIDv7 of a moment; epoch ms. */
function idAt(atMs: number): string {
  const hex = Math.max(0, Math.min(atMs, 0xffffffffffff)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
