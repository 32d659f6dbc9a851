// Retention: what is past its time goes in bounded batches, so that no statement holds anybody up.
import type { Database, HotQuery } from "./database.ts";
import { REPLACED_SECRETS_KEPT_MS } from "./signing-secrets.ts";

const BATCH = 500;
const EXECUTIONS: HotQuery = { name: "executions_retire", text: "select keelson.executions_retire($1, $2) as count" };
const DELIVERIES: HotQuery = { name: "deliveries_retire", text: "select keelson.deliveries_retire($1, $2) as count" };
const KEYS: HotQuery = { name: "delivery_keys_retire", text: "select keelson.delivery_keys_retire($1, $2) as count" };
const FIRES: HotQuery = {
  name: "schedule_fires_retire",
  text: "select keelson.schedule_fires_retire($1, $2) as count",
};
const BULK_ACTIONS: HotQuery = {
  name: "bulk_actions_retire",
  text: "select keelson.bulk_actions_retire($1, $2) as count",
};
const REPLACED_SECRETS: HotQuery = {
  name: "replaced_secrets_retire",
  text: "select keelson.replaced_secrets_retire($1, $2) as count",
};
const WORKERS: HotQuery = { name: "workers_retire", text: "select keelson.workers_retire($1) as count" };

export interface Retired {
  readonly executions: number;
  readonly deliveries: number;
}

/** One batch of everything that is older. True in `more`: there may be another batch. */
export async function retireOnce(
  db: Database,
  before: { readonly executions: Date; readonly deliveries: Date; readonly workers: Date },
): Promise<Retired & { readonly more: boolean }> {
  const batch = async (query: HotQuery, at: Date): Promise<number> => {
    const [row] = await db.call<{ count: number }>(query, query === WORKERS ? [at] : [at, BATCH]);
    return row?.count ?? 0;
  };
  const executions = await batch(EXECUTIONS, before.executions);
  const deliveries = await batch(DELIVERIES, before.deliveries);
  const keys = await batch(KEYS, before.deliveries);
  const fires = await batch(FIRES, before.executions);
  const bulkActions = await batch(BULK_ACTIONS, before.executions);
  const secrets = await batch(REPLACED_SECRETS, new Date(Date.now() - REPLACED_SECRETS_KEPT_MS));
  await batch(WORKERS, before.workers);
  const most = Math.max(executions, deliveries, keys, fires, bulkActions, secrets);
  return { executions, deliveries, more: most >= BATCH };
}
