// One point of the table: so many processes under a load that is never short, and what they made of it.
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { eachAccounted } from "../account.ts";
import { cpuElsewhere, PROCESSES, type Bench, type ProcessName, type Usages } from "../bench.ts";
import { monotonicMs } from "../clock.ts";
import { measureUsage } from "../process-meter.ts";
import { workloads } from "../workflows.ts";
import { rateWithin, type Load } from "./arithmetic.ts";
import { hooksOf, setFleet, type Fleet } from "./fleet.ts";

/** Unfinished executions for each place: those that wait for it, and those whose webhook is on its way. */
const LANES_PER_PLACE = 3;
const [MIN_LANES, MAX_LANES] = [16, 512];
/** Processes just started compile for a while; very short runs, which are no measurement, do not wait for it. */
export const warmMs = (seconds: number): number => Math.min(3_000, seconds * 1000);

export interface Site {
  readonly bench: Bench;
  /** Executions in progress per worker. */
  readonly concurrency: number;
  readonly seconds: number;
  readonly delayMs: number;
  readonly maxConnections: number;
  readonly pgbouncerPid: () => number | null;
  readonly signal: AbortSignal;
}

export interface Point extends Load {
  readonly fleet: Fleet;
  /** In cores, by kind of process. */
  readonly cpu: Readonly<Record<ProcessName | "pgbouncer" | "bench", number>> | null;
  /** Of the machine, by neither the engine nor the load: what disturbed it, 0 to 1. */
  readonly cpuElsewhere: number | null;
  /** By kind of service, as PostgreSQL sees them. */
  readonly connectionsOf: Readonly<Record<string, number>>;
  readonly walBytes: number;
  readonly accepted: number;
  readonly refused: number;
  readonly lost: number;
  readonly doubled: number;
}

export function lanesFor(workers: number, concurrency: number): number {
  return Math.min(MAX_LANES, Math.max(MIN_LANES, LANES_PER_PLACE * workers * concurrency));
}

export async function measurePoint(site: Site, fleet: Fleet): Promise<Point> {
  const { bench, concurrency, seconds, delayMs, maxConnections } = site;
  await setFleet(bench.stack, fleet, site.signal);
  const account = await eachAccounted(bench, workloads.W1);
  const hooks = hooksOf(bench.stack, bench.hooks.W1, fleet);
  await bench.load.startLanes({ hooks, lanes: lanesFor(fleet.worker, concurrency) });
  await sleep(warmMs(seconds));
  const [before, fromMs] = [await used(site), monotonicMs()];
  const walBefore = (await bench.meters.counts()).walBytes;
  await sleep(seconds * 1000);
  const connectionsOf = await countConnections(bench);
  const [after, untilMs] = [await used(site), monotonicMs()];
  const walBytes = (await bench.meters.counts()).walBytes - walBefore;
  const { ends } = await bench.load.stopLanes();
  const { figures } = await account();
  const cpu = coresUsed(before, after);
  const perSecond = rateWithin(ends, fromMs, untilMs);
  return {
    fleet,
    workers: fleet.worker,
    concurrency,
    delayMs,
    perSecond,
    cpu,
    cpuPostgres: cpu?.postgres ?? null,
    cpuShare: machineShare(before.usages, after.usages),
    cpuElsewhere: elsewhere(before, after, cpu),
    connectionsOf,
    connections: Object.values(connectionsOf).reduce((sum, count) => sum + count, 0),
    maxConnections,
    walBytes: walBytes / Math.max(1, (perSecond * (untilMs - fromMs)) / 1000),
    ...figures,
  };
}

interface Used {
  readonly usages: Usages;
  readonly pgbouncerMs: number;
}

async function used({ bench, pgbouncerPid }: Site): Promise<Used> {
  const pid = pgbouncerPid();
  const measured = await measureUsage({ pgbouncer: pid === null ? [] : [pid] });
  return { usages: await bench.usages(), pgbouncerMs: measured?.pgbouncer.cpuMs ?? 0 };
}

function coresUsed(before: Used, after: Used): Point["cpu"] {
  const [a, b] = [before.usages, after.usages];
  if (a.engine === null || b.engine === null) return null;
  const [from, until] = [a.engine, b.engine];
  const each = (cpuMs: number): number => cpuMs / (b.at - a.at);
  const engine = PROCESSES.map((name) => [name, each(until[name].cpuMs - from[name].cpuMs)] as const);
  return {
    ...(Object.fromEntries(engine) as Record<ProcessName, number>),
    pgbouncer: each(after.pgbouncerMs - before.pgbouncerMs),
    bench: each(b.benchCpuMs - a.benchCpuMs),
  };
}

function machineShare(before: Usages, after: Usages): number | null {
  if (before.machineCpuMs === null || after.machineCpuMs === null) return null;
  return (after.machineCpuMs - before.machineCpuMs) / ((after.at - before.at) * availableParallelism());
}

/** PgBouncer is ours, too. */
function elsewhere(before: Used, after: Used, cpu: Point["cpu"]): number | null {
  const share = cpuElsewhere(before.usages, after.usages);
  return share === null ? null : Math.max(0, share - (cpu?.pgbouncer ?? 0) / availableParallelism());
}

/** Of the engine's services; all of PgBouncer's that it holds open have the name of whom they served last. */
async function countConnections(bench: Bench): Promise<Record<string, number>> {
  const rows = await bench.meters.query<{ name: string; n: number }>(
    `select application_name as name, count(*)::int as n from pg_stat_activity
     where backend_type = 'client backend' and application_name like 'keelson-%' group by 1 order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, n }) => [name.replace(/^keelson-/, ""), n]));
}
