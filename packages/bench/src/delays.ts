// W4: delays that end within the same ten seconds. They are loaded first, far enough ahead.
import { eachAccounted } from "./account.ts";
import { cpuElsewhere, type Bench } from "./bench.ts";
import type { BenchOptions } from "./options.ts";
import { LANES } from "./rig.ts";
import { known, type Turn } from "./turn.ts";
import { workloads } from "./workflows.ts";

const SPREAD_MS = 10_000;
/** Due at once: to see how fast they are taken. */
const PROBE = 200;

export async function takeDelaysTurn(bench: Bench, options: BenchOptions): Promise<Turn> {
  const { load, meters } = bench;
  const workload = workloads.W4;
  const hook = bench.hooks.W4;
  const account = await eachAccounted(bench, workload);
  const probe = await load.burst({ hook, count: PROBE, lanes: LANES, dueAt: Date.now(), spreadMs: 1 });
  const [began] = await meters.query<{ now: string }>("select now()::text as now");
  const loadMs = (probe.loadSeconds / PROBE) * options.delays * 1000;
  await meters.forgetStatements();
  const before = await bench.usages();
  const burst = await load.burst({
    hook,
    count: options.delays,
    lanes: LANES,
    dueAt: Date.now() + loadMs * 1.5 + 2_000,
    spreadMs: SPREAD_MS,
  });
  const after = await bench.usages();
  const { figures, notes } = await account();
  // The first of its steps to end after its time stands in the step run itself.
  const [recorded] = await meters.query<{ p50: number | null; p99: number | null; max: number | null }>(
    `select percentile_disc(0.5) within group (order by late) as p50, percentile_disc(0.99) within group (order by late) as p99,
       max(late) as max
     from (
       select (extract(epoch from s.finished_at - (s.output ->> 'until')::timestamptz) * 1000)::float8 as late
       from keelson.executions e join keelson.step_runs s on s.tenant_id = e.tenant_id and s.execution_id = e.id
       where e.workflow_name = 'bench-w4' and e.created_at > $1::timestamptz and s.step_id = 'wait'
         and s.finished_at is not null and (s.output ->> 'until')::timestamptz > e.created_at + interval '1 second') as ended`,
    [began?.now],
  );
  const late =
    burst.loadedLate === 0
      ? []
      : [`W4: ${burst.loadedLate} delays were due before they were accepted, and are left out`];
  return {
    figures: known({
      loadedPerSecond: burst.accepted / burst.loadSeconds,
      latenessP50: burst.lateness.p50,
      latenessP99: burst.lateness.p99,
      latenessMax: burst.lateness.max,
      delayEndedP50: recorded?.p50 ?? null,
      delayEndedP99: recorded?.p99 ?? null,
      delayEndedMax: recorded?.max ?? null,
      ...figures,
    }),
    statements: await meters.costliest(25),
    cpuElsewhere: cpuElsewhere(before, after),
    notes: [...notes, ...late],
  };
}
