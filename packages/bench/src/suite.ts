// The whole run: rounds in which the baseline and the workloads alternate, then what is measured beside them.
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import type { Stack } from "@keelson/local-stack";
import { openBench, type Bench } from "./bench.ts";
import { takeDelaysTurn } from "./delays.ts";
import type { Figures } from "./figures.ts";
import { measureReads, type ReadCost } from "./history.ts";
import { measureInProcess, type InProcessFigures } from "./in-process.ts";
import type { BenchOptions } from "./options.ts";
import { measurePolicies, type PolicyCost } from "./row-security.ts";
import type { StatementCost } from "./server-meters.ts";
import { spreadOf } from "./summary.ts";
import { known, rssFigures, takeTurn, type Turn } from "./turn.ts";
import { workloads, type WorkloadName } from "./workflows.ts";

/** Beyond these a run says that the machine was disturbed. */
const DISTURBED_BASELINE_SPREAD = 0.2;
const DISTURBED_CPU_ELSEWHERE = 0.05;
const DISTURBED_LOAD_PER_CORE = 0.5;

export interface Round {
  readonly workload: WorkloadName;
  readonly round: number;
  readonly loadAverage: number;
  readonly cpuElsewhere: number | null;
  readonly figures: Figures;
  readonly statements: readonly StatementCost[];
}

export interface Extras {
  readonly reads: readonly ReadCost[];
  readonly policies: readonly PolicyCost[];
  readonly inProcess: InProcessFigures;
}

export interface Results {
  readonly at: string;
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly memoryGiB: number;
    readonly node: string;
    readonly postgres: string;
  };
  readonly options: BenchOptions;
  readonly workers: number;
  readonly tookSeconds: number;
  readonly rounds: readonly Round[];
  readonly extras: Extras | null;
  readonly notes: readonly string[];
}

/** Takes from seconds to half an hour. `say` is told of the progress. Aborted, it rejects at the next turn. */
export async function runSuite(
  stack: Stack,
  options: BenchOptions,
  { signal, say }: { readonly signal: AbortSignal; readonly say: (text: string) => void },
): Promise<Results> {
  const loadAtStart = loadavg()[0] ?? 0;
  const beganMs = performance.now();
  const bench = await openBench(stack);
  try {
    const rounds: Round[] = [];
    const notes = new Set<string>();
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const workload of options.only) {
        signal.throwIfAborted();
        // Ten thousand delays take minutes to load; one round tells enough.
        if (workload === "W4" && round > 1) continue;
        const taken = await takeRound(bench, workload, round, options);
        rounds.push(taken.round);
        for (const note of taken.notes) notes.add(note);
        say(progressOf(taken.round));
      }
    }
    signal.throwIfAborted();
    const extras = options.extras ? await measureExtras(bench, options, say) : null;
    for (const note of disturbances(rounds, loadAtStart)) notes.add(note);
    return {
      at: new Date().toISOString(),
      machine: await machineOf(bench),
      options,
      workers: stack.instances.worker.length,
      tookSeconds: Math.round((performance.now() - beganMs) / 1000),
      rounds,
      extras,
      notes: [...notes],
    };
  } finally {
    await bench.close();
  }
}

async function takeRound(bench: Bench, workload: WorkloadName, round: number, options: BenchOptions) {
  const loadAverage = loadavg()[0] ?? 0;
  const turn: Turn =
    workload === "W4"
      ? await takeDelaysTurn(bench, options)
      : await takeTurn(bench, workloads[workload], options, round === 1);
  const figures = { ...turn.figures, ...known(rssFigures(await bench.usages())) };
  const { statements, cpuElsewhere, notes } = turn;
  return { round: { workload, round, loadAverage, cpuElsewhere, figures, statements }, notes };
}

async function measureExtras(bench: Bench, options: BenchOptions, say: (text: string) => void): Promise<Extras> {
  const inProcess = measureInProcess(options.seconds);
  const policies = await measurePolicies(bench);
  const reads = await measureReads(bench, options.history, say);
  return { inProcess, policies, reads };
}

function progressOf({ workload, round, figures }: Round): string {
  const { perSecond, baseline, latenessMax } = figures;
  const rate = perSecond === undefined ? "" : `: ${perSecond.toFixed(1)} executions/s, B ${baseline?.toFixed(0)}/s`;
  const late = latenessMax === undefined ? "" : `: at most ${latenessMax.toFixed(0)} ms late`;
  return `${workload} round ${round}${rate}${late}`;
}

function disturbances(rounds: readonly Round[], loadAtStart: number): string[] {
  const notes: string[] = [];
  const loadPerCore = loadAtStart / availableParallelism();
  if (loadPerCore > DISTURBED_LOAD_PER_CORE) {
    notes.push(
      `disturbed: the load average was ${loadAtStart.toFixed(1)} on ${availableParallelism()} cores before anything began`,
    );
  }
  const baseline = spreadOf(
    rounds.flatMap(({ figures }) => (figures.baseline === undefined ? [] : [figures.baseline])),
  );
  if (baseline !== null && (baseline.max - baseline.min) / baseline.median > DISTURBED_BASELINE_SPREAD) {
    notes.push(`disturbed: B went from ${baseline.min.toFixed(0)}/s to ${baseline.max.toFixed(0)}/s between rounds`);
  }
  const elsewhere = rounds.flatMap((round) => (round.cpuElsewhere === null ? [] : [round.cpuElsewhere]));
  const worst = Math.max(0, ...elsewhere);
  if (worst > DISTURBED_CPU_ELSEWHERE) {
    notes.push(
      `disturbed: other processes took up to ${(worst * 100).toFixed(0)} % of the machine during a closed loop`,
    );
  }
  return notes;
}

async function machineOf(bench: Bench): Promise<Results["machine"]> {
  const [row] = await bench.meters.query<{ version: string }>("select current_setting('server_version') as version");
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    postgres: row?.version ?? "unknown",
  };
}
