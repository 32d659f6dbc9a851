// What reads of the API cost over a history of executions: first over a short one, then over a long one. Written by SQL, as
// the superuser, and no part of any workload's figures.
import { createBenchTenant, type BenchTenant } from "./engine-client.ts";
import type { Bench } from "./bench.ts";
import { summarize } from "./summary.ts";
import { workloads } from "./workflows.ts";

const SHORT = 1_000;
const CHUNK = 50_000;
/** Of each; the first few warm up. */
const READS = 100;
const WARM_READS = 20;

export interface ReadCost {
  readonly what: string;
  readonly path: string;
  readonly shortMs: number | null;
  readonly longMs: number | null;
}

export async function measureReads(bench: Bench, executions: number, say: (text: string) => void): Promise<ReadCost[]> {
  const tenant = await createBenchTenant(bench.stack, "history");
  await tenant.save(workloads.W1, bench.targetUrl);
  const fill = await historyFiller(bench, tenant);
  await fill(0, SHORT);
  const reads = await readsOf(tenant);
  const short = await timed(tenant, reads);
  for (let from = SHORT; from < executions; from += CHUNK) {
    await fill(from, Math.min(CHUNK, executions - from));
    say(`history: ${Math.min(from + CHUNK, executions)} of ${executions} executions`);
  }
  await bench.meters.query("vacuum analyze keelson.executions, keelson.step_runs, keelson.event_batches");
  const long = await timed(tenant, reads);
  return reads.map(({ what, path }, index) => ({
    what,
    path,
    shortMs: short[index] ?? null,
    longMs: long[index] ?? null,
  }));
}

/** Writes `count` ended executions, `from` of them being there; each a second older than the one before, one in a hundred failed. */
async function historyFiller(
  bench: Bench,
  tenant: BenchTenant,
): Promise<(from: number, count: number) => Promise<void>> {
  const { query } = bench.meters;
  const [version] = await query<{ workflow_id: string; id: string }>(
    "select workflow_id, id from keelson.workflow_versions where tenant_id = $1",
    [tenant.id],
  );
  return async (from, count) => {
    await query(
      `with fresh as (
         insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, status, seq, trigger_type,
           trigger, input, output, error, error_code, failed_step, summary, created_at, started_at, finished_at)
         select $1, uuidv7(n * interval '-1 second'), $2, 'bench-w1', $3, 1, case when failed then 'failed' else 'succeeded' end, 9,
           'webhook', '{"type":"webhook","id":"hook"}', '{"amount":249.9}', case when not failed then '{"post":{"status":200}}'::json end,
           case when failed then '{"code":"HTTP_STATUS","message":"It answered 500."}'::jsonb end,
           case when failed then 'HTTP_STATUS' end, case when failed then 'post' end,
           '{"progress":{"succeeded":3},"current":[],"retrying":null}', at, at, at
         from (select n, n % 100 = 0 as failed, now() - n * interval '1 second' as at from generate_series($4::int, $4 + $5 - 1) n) as past
         returning tenant_id, id, status, created_at),
       steps as (
         insert into keelson.step_runs (tenant_id, execution_id, step_id, status, attempt, output, started_at, finished_at)
         select tenant_id, id, 'post', status, 1, '{"status":200}', created_at, created_at from fresh)
       insert into keelson.event_batches (tenant_id, execution_id, first_seq, last_seq, epoch, items)
       select tenant_id, id, 2, 3, 1, '[{"type":"execution.running"},{"type":"execution.succeeded"}]' from fresh`,
      [tenant.id, version?.workflow_id, version?.id, from, count],
    );
  };
}

async function readsOf(tenant: BenchTenant): Promise<{ what: string; path: string }[]> {
  const page = (await tenant.call("GET", "/v1/executions?limit=100")) as {
    items: { id: string }[];
    nextCursor: string;
  };
  const id = page.items[0]?.id;
  return [
    { what: "list, newest 20", path: "/v1/executions" },
    { what: "list, page after 100", path: `/v1/executions?limit=100&cursor=${encodeURIComponent(page.nextCursor)}` },
    { what: "list of a workflow", path: "/v1/executions?workflow=bench-w1" },
    { what: "list of the failed", path: "/v1/executions?status=failed" },
    { what: "list, counted", path: "/v1/executions?count=true" },
    { what: "one execution", path: `/v1/executions/${id}` },
    { what: "its events", path: `/v1/executions/${id}/events` },
  ];
}

/** The median of each, in ms, taken in turn so that a disturbance meets all. */
async function timed(tenant: BenchTenant, reads: readonly { path: string }[]): Promise<(number | null)[]> {
  const samples = reads.map((): number[] => []);
  for (let n = -WARM_READS; n < READS; n += 1) {
    for (const [index, { path }] of reads.entries()) {
      const beganMs = performance.now();
      await tenant.call("GET", path);
      if (n >= 0) samples[index]?.push(performance.now() - beganMs);
    }
  }
  return samples.map((list) => summarize(list).p50);
}
