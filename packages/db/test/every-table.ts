// A row in every tenant table, for two tenants, so that what is said of tables can be said of each of them.
import { v7 as newId } from "uuid";
import type { World } from "./world.ts";

const COUNTED =
  "workflow_id, trigger, kind, status, error_code, count, duration_ms_sum, duration_ms_max, latency_buckets";
const COUNTS = "$id, 'api', 'ended', 'succeeded', '', 1, 5, 5, '{0,0,0,1}'";

/** What each table gets, in the order that foreign keys want. `$1` is the tenant; `$2` … name ids in IDS. */
const ROWS: readonly (readonly [table: string, columns: string, values: string])[] = [
  ["api_keys", "id, hash, prefix, name, scopes", "$id, sha256($id::text::bytea), 'kl_', 'key', '{read}'"],
  ["secrets", "name, ciphertext, nonce, key_version", "'TOKEN', 'x', decode(repeat('00', 12), 'hex'), 1"],
  ["replaced_secrets", "name, ciphertext, nonce, key_version", "'TOKEN', 'x', decode(repeat('00', 12), 'hex'), 1"],
  ["audit_log", "id, actor_type, action, target_type", "$id, 'apiKey', 'workflow.created', 'workflow'"],
  ["workflows", "id, name", "$id, 'flow'"],
  ["workflow_versions", "id, workflow_id, version, definition, content_hash", "$id, $id, 1, '{}', 'hash'"],
  ["hooks", "id, workflow_id, trigger_id", "$id, $id, 'hook'"],
  [
    "schedules",
    "id, workflow_id, trigger_id, cron, timezone, missed, overlap",
    "$id, $id, 'c', '* * * * *', 'UTC', 'skip', 'skip'",
  ],
  ["schedule_fires", "schedule_id, due_at, status, execution_id", "$id, now(), 'fired', $id"],
  [
    "executions",
    "id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, wake_at, sweep_at",
    "$id, $id, 'flow', $id, 1, 'api', '{}', now(), now()",
  ],
  ["inbox", "execution_id, gen, kind", "$id, 1, 'cancel'"],
  ["step_runs", "execution_id, step_id, status", "$id, 'step', 'running'"],
  ["attempts", "execution_id, step_id, iter, attempt, started_at, outcome", "$id, 'step', 1, 1, now(), 'succeeded'"],
  ["event_batches", "execution_id, first_seq, last_seq, epoch, items", `$id, 2, 2, 1, '[{"type": "x"}]'`],
  ["execution_labels", "name, value, execution_id", "'order', '1', $id"],
  ["deliveries", "id, hook_id, workflow_id, status, execution_id", "$id, $id, $id, 'accepted', $id"],
  ["delivery_keys", "hook_id, key, execution_id", "$id, 'key', $id"],
  ["bulk_actions", "id, action, matched, capped, actor_type", "$id, 'retry', 1, false, 'apiKey'"],
  ["bulk_action_items", "bulk_action_id, n, target_id", "$id, 1, $id"],
  ["idempotency_keys", "workflow_id, key, body_hash, execution_id", "$id, 'key', 'hash', $id"],
  [
    "violations",
    "code, subject_id, subject_type, invariant, text, remedy",
    "'STUCK', $id, 'execution', 'I5', 'x', 'y'",
  ],
  ["execution_counts_outbox", "workflow_id, trigger", "$id, 'api'"],
  ["stats_minutes", `minute, ${COUNTED}`, `now(), ${COUNTS}`],
  ["stats_hours", `hour, ${COUNTED}`, `now(), ${COUNTS}`],
];

export interface Furnished {
  readonly tenantId: string;
  /** Of everything the tenant has. */
  readonly id: string;
}

/** A tenant with one row in each table. */
export async function furnishTenant(world: World): Promise<Furnished> {
  const tenantId = await world.tenant();
  const id = newId();
  for (const [table, columns, values] of ROWS) {
    await world.admin.query(
      `insert into keelson.${table} (tenant_id, ${columns}) values ('${tenantId}', ${values.replaceAll("$id", `'${id}'`)})`,
    );
  }
  return { tenantId, id };
}

export interface TenantTable {
  readonly name: string;
  /** `tenant_id`; of the tenants themselves `id`. */
  readonly tenantColumn: string;
}

/** Every table of the schema that is somebody's, as the catalogue has them. */
export async function tenantTables(world: World): Promise<TenantTable[]> {
  const { rows } = await world.admin.query<TenantTable>(
    `select c.relname as name, case when c.relname = 'tenants' then 'id' else 'tenant_id' end as "tenantColumn"
     from pg_class c
     where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'p')
       and (c.relname = 'tenants' or exists (
         select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
     order by 1`,
  );
  return rows;
}
