// The command's options.
import { parseArgs } from "node:util";
import { WORKLOADS, type WorkloadName } from "./workflows.ts";

export interface BenchOptions {
  readonly quick: boolean;
  readonly only: readonly WorkloadName[];
  /** Of each phase; others follow from it. */
  readonly seconds: number;
  /** At the highest rate that is held. */
  readonly heldSeconds: number;
  readonly rounds: number;
  readonly delays: number;
  /** Executions in the history that the API's reads are measured over. */
  readonly history: number;
  /** Parts beside the workloads, such as expressions and row security; left out with `--only`. */
  readonly extras: boolean;
  readonly json: string | null;
  /** Where each service leaves a CPU profile. */
  readonly profile: string | null;
}

export const USAGE = `npm run bench -- [options]
  --quick            one short round of W1 to W3, W4 with 1,000 delays, a short history: under three minutes
  --only W1,W2       these workloads, and nothing beside them
  --rounds N         of each workload; default 3, quick 1
  --seconds N        of each phase; default 20, quick 4
  --json FILE        default packages/bench/results/<time>.json
  --profile FOLDER   node --cpu-prof of every service, and PostgreSQL's statements within functions; slower
  --scale …          throughput against the number of workers instead; npm run bench -- --scale --help tells its options`;

/** Throws with the usage where an option is unknown or wrong. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parse(args);
  const quick = values.quick === true;
  const seconds = positive("--seconds", values.seconds, quick ? 4 : 20);
  const only = values.only?.split(",").map(workloadName);
  return {
    quick,
    only: only ?? (quick ? ["W1", "W2", "W3", "W4"] : WORKLOADS),
    seconds,
    heldSeconds: quick ? seconds : Math.max(30, seconds),
    rounds: Math.ceil(positive("--rounds", values.rounds, quick ? 1 : 3)),
    delays: quick ? 1_000 : 10_000,
    history: quick ? 10_000 : 1_000_000,
    extras: only === undefined,
    json: values.json ?? null,
    profile: values.profile ?? null,
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { quick: { type: "boolean" }, only: text, rounds: text, seconds: text, json: text, profile: text },
    });
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, { cause });
  }
}

function positive(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!(value > 0 && value <= 3600))
    throw new Error(`${name} is ${text}, expected a number above 0, 3600 at the most\n${USAGE}`);
  return value;
}

function workloadName(text: string): WorkloadName {
  const name = WORKLOADS.find((one) => one === text.trim().toUpperCase());
  if (name === undefined)
    throw new Error(`--only names ${text}, expected one or more of ${WORKLOADS.join(", ")}\n${USAGE}`);
  return name;
}
