// The table on stdout: a Markdown table, a row a figure, with the median, minimum and maximum over the rounds and its target.
import { FIGURES, meets, TARGETS, type Figure, type FigureKey, type Target } from "./figures.ts";
import type { Extras, Results } from "./suite.ts";
import { spreadOf, type Spread } from "./summary.ts";
import { workloads, type WorkloadName } from "./workflows.ts";

interface Row {
  readonly of: string;
  readonly label: string;
  readonly unit: string;
  readonly spread: Spread;
  readonly target: Target | undefined;
}

const HEAD = ["of", "figure", "unit", "median", "min", "max", "target", "met"];
const KEYS = Object.keys(FIGURES) as FigureKey[];
/** The same for every workload: told once, over all rounds. */
const SHARED: readonly FigureKey[] = ["baseline", "bareHttp"];
/** None may be lost in any round; of other figures the median counts. */
const WORST: readonly FigureKey[] = ["lost", "doubled"];

export function tableOf(results: Results): string {
  const names = [...new Set(results.rounds.map(({ workload }) => workload))];
  const rows = [
    ...SHARED.flatMap((key) => rowOf(results, "run", key)),
    ...names.flatMap((name) => rowsOf(results, name)),
  ];
  const cells = [...rows.map(cellsOf), ...(results.extras === null ? [] : extraCells(results.extras))];
  return [HEAD, HEAD.map((name) => (name === "of" || name === "figure" ? "---" : "--:")), ...cells]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");
}

/** What stands above and below the table. */
export function headOf({ machine, options, workers, rounds, tookSeconds }: Results): string {
  const what = [...new Set(rounds.map(({ workload }) => `${workload}: ${workloads[workload].what}`))];
  const { cores, model, memoryGiB, node, postgres } = machine;
  return [
    `${cores} × ${model}, ${memoryGiB} GiB; Node ${node}, PostgreSQL ${postgres}; ${workers} worker${workers === 1 ? "" : "s"}`,
    `${options.rounds} round${options.rounds === 1 ? "" : "s"}, phases of ${options.seconds} s, ${tookSeconds} s in all`,
    ...what,
  ].join("\n");
}

function rowsOf(results: Results, name: WorkloadName): Row[] {
  return KEYS.filter((key) => !SHARED.includes(key)).flatMap((key) => rowOf(results, name, key));
}

function rowOf(results: Results, of: WorkloadName | "run", key: FigureKey): Row[] {
  const samples = results.rounds
    .filter(({ workload }) => of === "run" || workload === of)
    .flatMap(({ figures }) => (figures[key] === undefined ? [] : [figures[key]]));
  const spread = spreadOf(samples);
  if (spread === null) return [];
  const { label, unit }: Figure = FIGURES[key];
  const counted = WORST.includes(key) ? { ...spread, median: spread.max } : spread;
  return [{ of, label, unit, spread: counted, target: TARGETS[of]?.[key] }];
}

function cellsOf({ of, label, unit, spread, target }: Row): string[] {
  const { median, min, max } = spread;
  const met = target === undefined ? "" : meets(median, target) ? "yes" : "no";
  return [of, label, unit, numeral(median), numeral(min), numeral(max), boundOf(target), met];
}

function boundOf(target: Target | undefined): string {
  if (target?.atLeast !== undefined) return `≥ ${target.atLeast}`;
  return target?.atMost === undefined ? "" : `≤ ${target.atMost}`;
}

/** Three digits that mean something. */
function numeral(value: number): string {
  if (value === 0) return "0";
  const digits = Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toFixed(digits);
}

function extraCells({ reads, policies, inProcess }: Extras): string[][] {
  const single = (of: string, label: string, unit: string, value: number | null): string[] => [
    of,
    label,
    unit,
    value === null ? "" : numeral(value),
    "",
    "",
    "",
    "",
  ];
  const ratio = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a / b);
  return [
    ...reads.flatMap(({ what, shortMs, longMs }) => [
      single("reads", `${what}, over the long history, p50`, "ms", longMs),
      single("reads", "… against the short one", "×", ratio(longMs, shortMs)),
    ]),
    ...policies.flatMap(({ what, withMs, withoutMs }) => [
      single("policies", `${what}, p50`, "ms", withMs),
      single("policies", "… against the same without policies", "×", ratio(withMs, withoutMs)),
    ]),
    single("documents", "200 steps parsed, checked and compiled, p50", "ms", inProcess.parseMs),
    ...Object.entries(inProcess.evaluations).map(([name, rate]) =>
      single("expressions", `${name}: evaluated`, "/s", rate),
    ),
    ...Object.entries(inProcess.compilations).map(([name, rate]) =>
      single("expressions", `${name}: compiled`, "/s", rate),
    ),
  ];
}
