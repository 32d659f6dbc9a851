// The whole run of `--scale`: an engine with few places a worker, in which throughput follows the workers; faults in it; what
// it leaves on disk. Then one with the default's places, in which the machine's limit shows.
import { availableParallelism, cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@keelson/local-stack";
import { openBench, type Bench } from "../bench.ts";
import { COUNTS_SETTLE_MS } from "../server-meters.ts";
import { measureFaults, type Faults } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
import type { ScaleOptions } from "./options.ts";
import { measurePoint, type Point, type Site } from "./point.ts";
import { perExecution, readSizes, type TableSize } from "./storage.ts";

/** WORKER_CONCURRENCY's own. */
const DEFAULT_CONCURRENCY = 64;
/** Workers with so many places each are more than two cores can feed, and no more are tried. */
const MAX_FULL_WORKERS = 4;

export interface Started {
  readonly stack: Stack;
  /** What all services go through; null where they reach PostgreSQL themselves. */
  readonly pgbouncer: { readonly version: string; readonly ini: string; readonly pid: () => number | null } | null;
  readonly stop: () => Promise<void>;
}

export interface ScaleDeps {
  /** Starts an engine of its own, with as many processes, and so many executions in progress per worker. */
  readonly start: (name: string, counts: Fleet, concurrency: number) => Promise<Started>;
  /** Something else that has to work on it; says what came of it. */
  readonly tryOut: ((stack: Stack) => Promise<string>) | null;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export interface ScaleResults {
  readonly at: string;
  readonly machine: { readonly cores: number; readonly model: string; readonly loadAverage: number };
  readonly options: ScaleOptions;
  readonly pgbouncer: { readonly version: string; readonly ini: string } | null;
  readonly tried: string;
  /** Few places a worker. */
  readonly points: readonly Point[];
  /** As many as by default. */
  readonly full: readonly Point[];
  readonly faults: Faults | null;
  readonly perExecution: readonly TableSize[];
  readonly tookSeconds: number;
}

export async function runScale(options: ScaleOptions, deps: ScaleDeps): Promise<ScaleResults> {
  const loadAverage = loadavg()[0] ?? 0;
  const beganMs = performance.now();
  const most = options.workers.at(-1) ?? 1;
  const few = await onEngine(options, deps, options.concurrency, most, (site, started) =>
    measureFew(site, started, options, deps),
  );
  const some = options.workers.filter((count) => count <= MAX_FULL_WORKERS);
  const fullWorkers = some.length === 0 ? [1] : some;
  const full = await onEngine(options, deps, DEFAULT_CONCURRENCY, fullWorkers.at(-1) ?? 1, async (site) => {
    await measurePoint(site, fleetOf(fullWorkers[0] ?? 1, 1));
    return measureAll(
      site,
      fullWorkers.map((count) => fleetOf(count, 1)),
      deps,
    );
  });
  const machine = { cores: availableParallelism(), model: cpus()[0]?.model ?? "unknown", loadAverage };
  const tookSeconds = Math.round((performance.now() - beganMs) / 1000);
  return { at: new Date().toISOString(), machine, options, ...few, full, tookSeconds };
}

async function onEngine<T>(
  { seconds, delayMs }: ScaleOptions,
  deps: ScaleDeps,
  concurrency: number,
  workers: number,
  measure: (site: Site, started: Started) => Promise<T>,
): Promise<T> {
  const started = await deps.start(`places-${concurrency}`, fleetOf(workers, 2), concurrency);
  let bench: Bench | null = null;
  try {
    bench = await openBench(started.stack);
    await bench.target.delay(delayMs);
    const [row] = await bench.meters.query<{ max: number }>("select current_setting('max_connections')::int as max");
    const pgbouncerPid = started.pgbouncer?.pid ?? (() => null);
    const site = { bench, concurrency, seconds, delayMs, pgbouncerPid, signal: deps.signal };
    return await measure({ ...site, maxConnections: row?.max ?? 0 }, started);
  } finally {
    await bench?.close();
    await started.stop();
  }
}

async function measureFew(site: Site, started: Started, { workers, seconds }: ScaleOptions, deps: ScaleDeps) {
  const before = await readSizes(site.bench);
  const warmed = await measurePoint(site, fleetOf(workers[0] ?? 1, 1));
  // Up, then down again: the fewer processes start anew, the less they are in each other's way.
  const up = await measureAll(
    site,
    workers.map((count) => fleetOf(count, 1)),
    deps,
  );
  const down = await measureAll(
    site,
    workers.toReversed().map((count) => fleetOf(count, 2)),
    deps,
  );
  const points = [...up, ...down.toReversed()];
  // PostgreSQL's counts lag behind; very short runs, which are no measurement, do not wait for them.
  await sleep(seconds < 2 ? 1_000 : COUNTS_SETTLE_MS, undefined, { signal: deps.signal });
  const executions = [warmed, ...points].reduce((sum, point) => sum + point.accepted, 0);
  const sizes = perExecution(before, await readSizes(site.bench), executions);
  const most = workers.filter((count) => count >= 2 && count <= MAX_FULL_WORKERS).at(-1);
  const faults = most === undefined ? null : await measureFaults(site, fleetOf(most, 2));
  if (faults !== null)
    deps.say(`faults: ${faults.lost} lost, ${faults.doubled} doubled, ${faults.againAfterMs.length} sent again`);
  const tried = (await deps.tryOut?.(started.stack)) ?? "";
  const { pgbouncer } = started;
  return {
    points,
    faults,
    perExecution: sizes,
    tried,
    pgbouncer: pgbouncer === null ? null : { version: pgbouncer.version, ini: pgbouncer.ini },
  };
}

async function measureAll(site: Site, fleets: readonly Fleet[], { signal, say }: ScaleDeps): Promise<Point[]> {
  const points: Point[] = [];
  for (const fleet of fleets) {
    signal.throwIfAborted();
    const point = await measurePoint(site, fleet);
    points.push(point);
    say(`${fleet.worker} × ${site.concurrency}, ${fleet.ingress} of the others: ${point.perSecond.toFixed(1)}/s`);
  }
  return points;
}

function fleetOf(workers: number, others: number): Fleet {
  return { worker: workers, api: others, ingress: others, scheduler: others };
}
