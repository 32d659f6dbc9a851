// A history of a million executions of two tenants, one with nine tenths of it, laid down at once: constraints are checked,
// triggers and foreign keys are not, and indexes are built at its end. And a way to see how PostgreSQL carries out what the code sends it.
import { Prisma } from "../src/generated/client.ts";
import type { TenantTx } from "../src/index.ts";
import type { PgSession } from "./stage.ts";
import type { World } from "./world.ts";

export const EXECUTIONS = 1_000_000;
const DELIVERIES = 200_000;
const SPAN_SECONDS = 30 * 24 * 3_600;

export interface History {
  readonly tenantId: string;
  readonly smallTenantId: string;
  /** One of nearly all, one that nothing has been started of for the last tenth, one of three. */
  readonly workflows: { readonly busy: string; readonly quiet: string; readonly rare: string };
  readonly hookId: string;
  readonly scheduleId: string;
  /** The parent of many, and what many are replays of. */
  readonly parentId: string;
  readonly originId: string;
  /** Of the n-th, n from 1, oldest first. */
  readonly createdAt: (n: number) => Date;
  readonly idAt: (createdAt: Date, n: number) => string;
}

/** The id of the n-th, as it stands in SQL. */
const ID = `(lpad(to_hex((extract(epoch from c.at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid`;

export async function layHistory(world: World): Promise<History> {
  const tenants = [await world.tenant(), await world.tenant()] as const;
  const [tenantId, smallTenantId] = tenants;
  const definition = { steps: [] };
  const [busy, quiet, rare] = [
    await world.workflow(tenantId, definition),
    await world.workflow(tenantId, definition),
    await world.workflow(tenantId, definition),
  ];
  const small = await world.workflow(smallTenantId, definition);
  const { admin } = world;
  await admin.query("set session_replication_role = replica; set synchronous_commit = off");
  const indexes = await dropIndexes(world);
  const { rows } = await admin.query<{ at: Date }>("select date_trunc('second', now()) - interval '30 days' as at");
  const begin = rows[0]!.at;
  const step = SPAN_SECONDS / EXECUTIONS;
  // Every tenth is the small tenant's. Nothing fails, is cancelled or scheduled in the last tenth; the last 300 go on.
  await admin.query(
    `insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, status, retrying,
       trigger_type, trigger, parent_id, parent_step, parent_gen, replay_of, error, error_code, failed_step, output,
       created_at, started_at, finished_at, sweep_at)
     select
       case when small then $2 else $1 end::uuid, ${ID},
       case when small then $6 when n % 300007 = 0 then $5 when n % 4 = 0 and not late then $4 else $3 end::uuid, 'w', $7,
       case when n <= ${EXECUTIONS / 10} then 1 else 2 end,
       case when open then (array['queued', 'running', 'waiting'])[n % 3 + 1] when failed then 'failed'
         when cancelled then 'cancelled' else 'succeeded' end,
       open and n % 7 = 0,
       case when n % 1001 = 0 and not late then 'schedule' when n % 20 = 0 then 'api' when n % 20 = 1 then 'subworkflow'
         else 'webhook' end, '{"type":"webhook"}',
       case when n % 20 = 1 and n < 100000 then $8 end::uuid, case when n % 20 = 1 and n < 100000 then 's' end,
       case when n % 20 = 1 and n < 100000 then 1 end,
       case when n % 50 = 3 and n < 500000 then $9 end::uuid,
       case when failed then '{"code":"HTTP_STATUS"}'::jsonb end,
       case when failed then case when n % 1000 = 7 then 'STEP_TIMEOUT' else 'HTTP_STATUS' end end,
       case when failed then case when n = 7 then 'once' else 's' || (n / 1000) % 3 end end,
       case when not (open or failed or cancelled) then '{"paid":true,"orderId":"0123456789"}'::json end,
       c.at, c.at, case when not open then c.at + interval '2 s' end, case when open then c.at end
     from generate_series(1, ${EXECUTIONS}) as n
     cross join lateral (select $10::timestamptz + n * ${step} * interval '1 s' as at) as c
     cross join lateral (select n > ${EXECUTIONS * 0.9} as late, n > ${EXECUTIONS - 300} as open, n % 10 = 0 as small) as f
     cross join lateral (select n % 25 = 7 and not late as failed, n % 50 = 9 and not late as cancelled) as s`,
    [
      ...tenants,
      busy.workflowId,
      quiet.workflowId,
      rare.workflowId,
      small.workflowId,
      busy.versionId,
      tenantId,
      smallTenantId,
      begin,
    ],
  );
  // Labels: one that every fifth has, three cancelled ones among them; one that every twentieth has, never with the first
  // but once; a key of its own for every fiftieth.
  await admin.query(
    `insert into keelson.execution_labels (tenant_id, name, value, execution_id)
     select $1::uuid, l.name, l.value, e.id
     from keelson.executions e cross join lateral (select ('x' || right(e.id::text, 12))::bit(48)::bigint as n) as i
     cross join lateral (
       select 'env' as name, 'prod' as value where n % 5 = 1 or n in (9, 59, 109)
       union all select 'tier', 'gold' where n % 20 = 3 or n = 1
       union all select 'orderId', 'o-' || n where n % 50 = 3) as l
     where e.tenant_id = $1::uuid`,
    [tenantId],
  );
  const hooks = await layHook(world, tenantId, busy.workflowId);
  await admin.query(
    `insert into keelson.deliveries (tenant_id, id, hook_id, workflow_id, status, reason, execution_id, received_at)
     select $1::uuid, ${ID}, $2, $3, case when n % 100 = 0 then 'rejected' when n = 5 then 'duplicate' else 'accepted' end,
       case when n % 100 = 0 then '{"code":"SIGNATURE_MISMATCH","text":"","hint":""}'::jsonb end,
       case when n % 100 <> 0 then $1 end::uuid, c.at
     from generate_series(1, ${DELIVERIES}) as n
     cross join lateral (select $4::timestamptz + n * ${SPAN_SECONDS / DELIVERIES} * interval '1 s' as at) as c`,
    [tenantId, hooks.hookId, busy.workflowId, begin],
  );
  await admin.query(
    `insert into keelson.schedule_fires (tenant_id, schedule_id, due_at, status, execution_id)
     select $1::uuid, $2, $3::timestamptz + n * interval '1 minute', case when n = 3 then 'missed' else 'fired' end,
       case when n <> 3 then $1 end::uuid from generate_series(1, 40000) as n`,
    [tenantId, hooks.scheduleId, begin],
  );
  await admin.query(
    `insert into keelson.audit_log (tenant_id, id, actor_type, action, target_type)
     select $1::uuid, gen_random_uuid(), 'operator', 'workflow.updated', 'workflow' from generate_series(1, 20000)`,
    [tenantId],
  );
  await admin.query("set session_replication_role = default; set maintenance_work_mem = '128MB'");
  for (const index of indexes) await admin.query(index);
  await admin.query(
    "analyze keelson.executions, keelson.execution_labels, keelson.deliveries, keelson.schedule_fires, keelson.audit_log",
  );
  return {
    tenantId,
    smallTenantId,
    workflows: { busy: busy.workflowId, quiet: quiet.workflowId, rare: rare.workflowId },
    ...hooks,
    parentId: tenantId,
    originId: smallTenantId,
    createdAt: (n) => new Date(begin.getTime() + n * step * 1_000),
    idAt: (createdAt, n) => {
      const [ms, serial] = [createdAt.getTime(), Math.floor(n)].map((part) => part.toString(16).padStart(12, "0"));
      return `${ms!.slice(0, 8)}-${ms!.slice(8)}-7000-8000-${serial!}`;
    },
  };
}

/** Those that hold no constraint, of the long tables; the statements that make them again, in a quarter of the time. */
async function dropIndexes({ admin }: World): Promise<string[]> {
  const { rows } = await admin.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
     where i.indrelid in ('keelson.executions'::regclass, 'keelson.execution_labels'::regclass, 'keelson.deliveries'::regclass)
       and not i.indisunique`,
  );
  for (const { name } of rows) await admin.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
}

async function layHook(world: World, tenantId: string, workflowId: string) {
  const { rows } = await world.admin.query<{ hookId: string; scheduleId: string }>(
    `with h as (
       insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, gen_random_uuid(), $2, 'h') returning id
     ), s as (
       insert into keelson.schedules (tenant_id, id, workflow_id, trigger_id, cron, timezone, missed, overlap)
       values ($1, gen_random_uuid(), $2, 's', '* * * * *', 'UTC', 'skip', 'allow') returning id
     ) select h.id as "hookId", s.id as "scheduleId" from h, s`,
    [tenantId, workflowId],
  );
  return rows[0]!;
}

interface PlanNode {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Shared Hit Blocks": number;
  readonly "Shared Read Blocks": number;
  readonly Plans?: readonly PlanNode[];
}

/** What the statements of one piece of work cost together, and what they did that a long history does not bear. */
export interface Cost {
  pages: number;
  /** `Seq Scan on executions`, `Sort of 90000`. */
  readonly offences: string[];
  readonly plans: string[];
}

/** More rows than a page and its walks have. */
const SORTED_AT_MOST = 1_000;
const SMALL = new Set(["tenants", "workflows", "workflow_versions", "hooks", "schedules", "workers", "stats_minutes"]);

/**
 * Runs the work with a transaction that answers each of its statements as the role and tenant that the session has,
 * and has each explained as it was run.
 */
export async function costOf(session: PgSession, work: (tx: TenantTx) => Promise<unknown>): Promise<Cost> {
  const cost: Cost = { pages: 0, offences: [], plans: [] };
  const $queryRaw = async (strings: TemplateStringsArray, ...values: Prisma.Sql[]) => {
    const { text, values: bound } = Prisma.sql(strings, ...values);
    const { rows } = await session.client.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
      `explain (analyze, buffers, timing off, format json) ${text}`,
      bound,
    );
    const [explained] = rows[0]!["QUERY PLAN"];
    judge(explained!.Plan, cost);
    cost.plans.push(JSON.stringify(explained, null, 1));
    return (await session.client.query(text, bound)).rows as unknown;
  };
  await work({ $queryRaw } as unknown as TenantTx);
  return cost;
}

/** The same of a function of the schema, called by keelson_app with this tenant set, and of every statement within it. */
export async function nestedCostOf(session: PgSession, call: string, tenantId: string): Promise<Cost> {
  const cost: Cost = { pages: 0, offences: [], plans: [] };
  const hear = ({ message = "" }: { message?: string | undefined }): void => {
    const at = message.indexOf("{");
    if (at < 0) return;
    const explained = JSON.parse(message.slice(at)) as { Plan: PlanNode };
    // What is within a function is told by itself, and counted in its caller again.
    if (explained.Plan["Node Type"] !== "Function Scan") judge(explained.Plan, cost);
    cost.plans.push(message);
  };
  session.client.on("notice", hear);
  await session.client.query("begin");
  await session.client.query(`load 'auto_explain'; set local auto_explain.log_min_duration = 0;
    set local auto_explain.log_nested_statements = on; set local auto_explain.log_analyze = on;
    set local auto_explain.log_timing = off; set local auto_explain.log_buffers = on;
    set local auto_explain.log_format = json; set local auto_explain.log_level = 'notice';
    set local client_min_messages = 'notice'; set local role keelson_app`);
  await session.client.query("select set_config('app.tenant_id', $1, true)", [tenantId]);
  await session.client.query(call);
  await session.client.query("rollback");
  session.client.off("notice", hear);
  return cost;
}

function judge(root: PlanNode, cost: Cost): void {
  cost.pages += root["Shared Hit Blocks"] + root["Shared Read Blocks"];
  const look = (node: PlanNode): void => {
    const { "Node Type": type, "Relation Name": relation = "", Plans: children = [] } = node;
    if (type === "Seq Scan" && !SMALL.has(relation)) cost.offences.push(`Seq Scan on ${relation}`);
    if (type.endsWith("Sort") && (children[0]?.["Actual Rows"] ?? 0) > SORTED_AT_MOST) {
      cost.offences.push(`Sort of ${children[0]!["Actual Rows"]}`);
    }
    for (const child of children) look(child);
  };
  look(root);
}
