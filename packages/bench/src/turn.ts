// One turn of a workload: the baseline beside it, a closed loop with everything counted, then latencies at given rates.
import { untilPassed, cpuElsewhere, type Bench, type ProcessName, type Usages } from "./bench.ts";
import type { Figures } from "./figures.ts";
import type { BenchOptions } from "./options.ts";
import { eachAccounted } from "./account.ts";
import { COUNTS_SETTLE_MS, type StatementCost } from "./server-meters.ts";
import { LANES } from "./rig.ts";
import type { Workload } from "./workflows.ts";

const STEADY_PER_SECOND = 50;
const EASY_PER_SECOND = 20;
const BARE_ROUND_TRIPS = 1_000;
/** A rate is held if no more than so many seconds' worth of it is unfinished at its end. */
const HELD_SECONDS_UNFINISHED = 1;
const HELD_TRIES = 4;

export interface Turn {
  readonly figures: Figures;
  readonly statements: readonly StatementCost[];
  /** Share of the machine's CPU time that others used during the closed loop. */
  readonly cpuElsewhere: number | null;
  readonly notes: readonly string[];
}

export async function takeTurn(
  bench: Bench,
  workload: Workload,
  options: BenchOptions,
  isFirst: boolean,
): Promise<Turn> {
  const { seconds } = options;
  const { load, hooks } = bench;
  const hook = hooks[workload.name];
  const notes: string[] = [];
  const account = await eachAccounted(bench, workload);

  await load.closedLoop({ hook, lanes: LANES, seconds: Math.min(3, seconds / 2) });
  const warmMs = performance.now();
  const baseline = await load.measureBaseline({ url: bench.baselineUrl, seconds: Math.min(8, seconds * 0.6) });
  const bare = await load.bareHttp({
    url: bench.targetUrl,
    count: Math.min(BARE_ROUND_TRIPS, Math.ceil(seconds * 100)),
  });
  await untilPassed(settleMs(seconds), warmMs);
  const closed = await countedLoop(bench, workload, seconds);

  const steady = await load.openLoop({ hook, perSecond: STEADY_PER_SECOND, seconds });
  if (!isHeld(steady, STEADY_PER_SECOND)) {
    notes.push(
      `${workload.name}: ${STEADY_PER_SECOND}/s is more than it carries, ${steady.unfinishedAtEnd} were unfinished at the end`,
    );
  }
  const held = isFirst ? await highestHeld(bench, workload, closed.perSecond, options) : null;
  if (isFirst && held === null) notes.push(`${workload.name}: none of the rates tried was held`);
  const easy = await load.openLoop({ hook, perSecond: EASY_PER_SECOND, seconds });
  const one = await load.closedLoop({ hook, lanes: 1, seconds: 60, count: Math.ceil(seconds * 10) });
  const accounts = await account();
  notes.push(...accounts.notes);

  const figures = {
    baseline,
    bareHttp: bare.p50,
    perSecond: closed.perSecond,
    ofB: closed.perSecond / baseline,
    stepsPerSecond: closed.perSecond * workload.steps,
    ack50P50: steady.ack.p50,
    ack50P99: steady.ack.p99,
    held: held?.perSecond ?? null,
    heldAckP50: held?.ack.p50 ?? null,
    heldAckP99: held?.ack.p99 ?? null,
    end20P50: easy.endToEnd.p50,
    end20P99: easy.endToEnd.p99,
    oneP50: one.endToEnd.p50,
    oneP99: one.endToEnd.p99,
    oneOfBare: one.endToEnd.p50 === null || bare.p50 === null ? null : one.endToEnd.p50 / bare.p50,
    ...closed.costs,
    ...accounts.figures,
  };
  return { figures: known(figures), statements: closed.statements, cpuElsewhere: closed.cpuElsewhere, notes };
}

/** PostgreSQL's counts of commits lag behind; very short runs, which are no measurement, do not wait for them. */
function settleMs(seconds: number): number {
  return seconds < 2 ? 1_000 : COUNTS_SETTLE_MS;
}

/** The closed loop, with what it cost. What the idle engine does while the counts settle is taken off again. */
async function countedLoop(bench: Bench, workload: Workload, seconds: number) {
  const { meters } = bench;
  await meters.forgetStatements();
  const [before, usedBefore] = [await meters.counts(), await bench.usages()];
  const loop = await bench.load.closedLoop({ hook: bench.hooks[workload.name], lanes: LANES, seconds });
  const [after, usedAfter] = [await meters.counts(), await bench.usages()];
  const statements = await meters.costliest(25);
  const endMs = performance.now();
  await untilPassed(settleMs(seconds), endMs);
  const settled = await meters.counts();
  const commits = settled.commits - before.commits - (settled.statements - after.statements);
  const each = (count: number): number => count / Math.max(1, loop.done);
  return {
    perSecond: loop.perSecond,
    statements,
    cpuElsewhere: cpuElsewhere(usedBefore, usedAfter),
    costs: {
      commits: each(commits),
      writes: each(after.writes - before.writes),
      statements: each(after.statements - before.statements),
      walBytes: each(after.walBytes - before.walBytes),
      redisCommands: each(after.redisCommands - before.redisCommands),
      ...cpuFigures(usedBefore, usedAfter, loop.done),
    },
  };
}

function cpuFigures(before: Usages, after: Usages, executions: number) {
  const of = (name: ProcessName): number | null =>
    before.engine === null || after.engine === null
      ? null
      : (after.engine[name].cpuMs - before.engine[name].cpuMs) / Math.max(1, executions);
  return {
    cpuIngress: of("ingress"),
    cpuApi: of("api"),
    cpuScheduler: of("scheduler"),
    cpuWorker: of("worker"),
    cpuPostgres: of("postgres"),
    cpuRedis: of("redis"),
  };
}

interface Loop {
  readonly refused: number;
  readonly unfinishedAtEnd: number;
}

function isHeld(loop: Loop, perSecond: number): boolean {
  return loop.refused === 0 && loop.unfinishedAtEnd <= Math.max(LANES, perSecond * HELD_SECONDS_UNFINISHED);
}

/** Looks from the closed loop's rate on, upwards while it is held, else downwards until it is. */
async function highestHeld(bench: Bench, workload: Workload, closedPerSecond: number, options: BenchOptions) {
  let best: {
    readonly perSecond: number;
    readonly ack: { readonly p50: number | null; readonly p99: number | null };
  } | null = null;
  let perSecond = Math.max(1, closedPerSecond * 0.9);
  for (let tries = 0; tries < (options.quick ? 1 : HELD_TRIES); tries += 1) {
    const loop = await bench.load.openLoop({
      hook: bench.hooks[workload.name],
      perSecond,
      seconds: options.heldSeconds,
    });
    const held = isHeld(loop, perSecond);
    if (held) best = { perSecond, ack: loop.ack };
    if (!held && best !== null) return best;
    if (held && tries > 0 && best !== null && perSecond < closedPerSecond * 0.9) return best;
    perSecond *= held ? 1.15 : 0.8;
  }
  return best;
}

/** Peak memory so far. */
export function rssFigures({ engine }: Usages) {
  const of = (name: ProcessName): number | null => (engine === null ? null : engine[name].peakRssBytes / 1024 ** 2);
  return {
    rssIngress: of("ingress"),
    rssApi: of("api"),
    rssScheduler: of("scheduler"),
    rssWorker: of("worker"),
    rssPostgres: of("postgres"),
    rssRedis: of("redis"),
  };
}

/** Without what could not be measured. */
export function known(figures: Readonly<Record<string, number | null>>): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== null && Number.isFinite(value)));
}
