// The options of `npm run bench -- --scale`.
import { parseArgs } from "node:util";

export interface ScaleOptions {
  /** Workers at each point, ascending. */
  readonly workers: readonly number[];
  /** Executions in progress per worker, where proportion is shown; where the limit is looked for, it is the default. */
  readonly concurrency: number;
  /** Of each point. */
  readonly seconds: number;
  /** After which the target answers. */
  readonly delayMs: number;
  /** All services go through PgBouncer, in transaction mode. */
  readonly pgbouncer: boolean;
  readonly json: string | null;
}

export const SCALE_USAGE = `npm run bench -- --scale [options]
  --workers 1,2,4,8  workers at each point
  --concurrency N    executions in progress per worker; default 4: eight workers then fit two cores
  --seconds N        of each point; default 8
  --pgbouncer        all services through PgBouncer in transaction mode (Debian's package pgbouncer)
  --json FILE        default packages/bench/results/<time>-scale.json`;

const DELAY_MS = 200;

/** Throws with the usage where an option is unknown or wrong. */
export function parseScaleOptions(args: readonly string[]): ScaleOptions {
  const { values } = parse(args);
  const workers = (values.workers ?? "1,2,4,8").split(",").map((text) => whole("--workers", text, 64));
  if (workers.some((count, n) => count <= (workers[n - 1] ?? 0)))
    throw new Error(`--workers is ${values.workers}, expected each number to be above the one before\n${SCALE_USAGE}`);
  const seconds = Number(values.seconds ?? 8);
  if (!(seconds > 0 && seconds <= 600))
    throw new Error(`--seconds is ${values.seconds}, expected a number above 0, 600 at the most\n${SCALE_USAGE}`);
  return {
    workers,
    concurrency: whole("--concurrency", values.concurrency ?? "4", 1_000),
    seconds,
    delayMs: DELAY_MS,
    pgbouncer: values.pgbouncer === true,
    json: values.json ?? null,
  };
}

function parse(args: readonly string[]) {
  const [text, flag] = [{ type: "string" }, { type: "boolean" }] as const;
  try {
    const options = { scale: flag, pgbouncer: flag, workers: text, concurrency: text, seconds: text, json: text };
    return parseArgs({ args: [...args], options });
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${SCALE_USAGE}`, { cause });
  }
}

function whole(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!(Number.isInteger(value) && value >= 1 && value <= max))
    throw new Error(`${name} is ${text}, expected a whole number from 1 to ${max}\n${SCALE_USAGE}`);
  return value;
}
