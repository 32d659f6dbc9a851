// What row security costs: the same statements by the restricted role, which the policies bind, and by the superuser, whom
// they do not.
import { Client } from "pg";
import type { Bench } from "./bench.ts";
import { summarize } from "./summary.ts";

const ROUNDS = 5;
const REPEATS = 300;

export interface PolicyCost {
  readonly what: string;
  readonly withMs: number | null;
  readonly withoutMs: number | null;
}

const STATEMENTS = [
  {
    what: "one execution by its key",
    text: "select * from keelson.executions where tenant_id = $1 and id = (select id from keelson.executions where tenant_id = $1 order by id desc limit 1)",
  },
  {
    what: "the newest 20",
    text: "select id, status, workflow_id, created_at from keelson.executions where tenant_id = $1 order by id desc limit 20",
  },
  {
    what: "a row written",
    text: `insert into keelson.delivery_keys (tenant_id, hook_id, key, execution_id)
      select $1, id, gen_random_uuid()::text, gen_random_uuid() from keelson.hooks where tenant_id = $1 limit 1`,
  },
];

/** Per statement and role, in ms; nothing of it is kept. */
export async function measurePolicies(bench: Bench): Promise<PolicyCost[]> {
  const bound = await open(bench.stack.databaseUrls.app, bench.tenant.id);
  const free = await open(bench.stack.adminUrl, bench.tenant.id);
  try {
    const costs: PolicyCost[] = [];
    for (const { what, text } of STATEMENTS) {
      const [withs, withouts]: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS; round += 1) {
        withs.push(...(await timed(bound, what, text, bench.tenant.id)));
        withouts.push(...(await timed(free, what, text, bench.tenant.id)));
      }
      costs.push({ what, withMs: summarize(withs).p50, withoutMs: summarize(withouts).p50 });
    }
    return costs;
  } finally {
    await Promise.all([bound.end(), free.end()]);
  }
}

async function open(url: string, tenantId: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: "bench-policies" });
  await client.connect();
  await client.query("select set_config('app.tenant_id', $1, false)", [tenantId]);
  return client;
}

async function timed(client: Client, name: string, text: string, tenantId: string): Promise<number[]> {
  const samples: number[] = [];
  await client.query("begin");
  for (let n = 0; n < REPEATS; n += 1) {
    const beganMs = performance.now();
    await client.query({ name, text, values: [tenantId] });
    samples.push(performance.now() - beganMs);
  }
  await client.query("rollback");
  return samples;
}
