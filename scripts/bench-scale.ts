// npm run bench -- --scale: throughput against the number of workers, each engine with servers of its own, all of it gone at
// the end. Tables go to stdout, everything measured to a JSON file.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  parseScaleOptions,
  runScale,
  scaleReport,
  type Fleet,
  type ScaleDeps,
  type ScaleResults,
  type Started,
} from "@keelson/bench";
import { runOrderWorkflow } from "@keelson/examples/order-fulfilment";
import {
  createRunFolder,
  pgBouncerVersion,
  startPgBouncer,
  type DatabaseUrls,
  type PgBouncer,
  type Stack,
} from "@keelson/local-stack";
import { readEnv } from "./env.ts";
import type { Report } from "./report.ts";
import { startEngine } from "./start-engine.ts";
import type { StopWish } from "./stop-wish.ts";

/** Connections of each of the three logins to PostgreSQL, through PgBouncer. */
const POOL_SIZE = 8;

/** Resolves with the exit code. */
export async function benchScale(args: readonly string[], stop: StopWish, report: Report): Promise<number> {
  const options = parseScaleOptions(args);
  const settings = readEnv();
  if (options.pgbouncer && (await pgBouncerVersion()) === null) {
    report.line("There is no pgbouncer here, so --pgbouncer measures nothing; on Debian: apt-get install pgbouncer");
    return 1;
  }
  // On the disk of the data folder: what lies in memory commits faster than any disk.
  const folder = await createRunFolder(report.line, resolve(settings.KEELSON_DATA_DIR ?? ".keelson", "bench"));
  const stops: (() => Promise<void>)[] = [];
  const start: ScaleDeps["start"] = (name, counts, concurrency) =>
    startOne(join(folder.path, name), counts, concurrency);
  try {
    const run = runScale(options, {
      start,
      tryOut: options.pgbouncer ? order : null,
      signal: stop.signal,
      say: report.line,
    });
    // Told to stop, its calls fail one after the other as the engine goes.
    run.catch(() => undefined);
    const results = await Promise.race([run, stop.wished]);
    if (typeof results === "string") throw new Error(`stopped (${results})`);
    await writeResults(results, report);
    return isSound(results) ? 0 : 1;
  } finally {
    for (const stopOne of stops.toReversed()) await stopOne();
    await report.stage("stopped", folder.dispose);
  }

  async function startOne(dataDir: string, counts: Fleet, concurrency: number): Promise<Started> {
    let pgbouncer: PgBouncer | null = null;
    const through = async (urls: DatabaseUrls): Promise<DatabaseUrls> => {
      pgbouncer = await startPgBouncer({
        urls: [urls.app, urls.worker, urls.dispatcher],
        poolSize: POOL_SIZE,
        pidFile: join(dataDir, "run", "pgbouncer-0.pid"),
        logFile: join(dataDir, "log", "pgbouncer-0.log"),
        log: report.line,
      });
      stops.push(pgbouncer.stop);
      const { through: by } = pgbouncer;
      return {
        app: by(urls.app),
        worker: by(urls.worker),
        workerDirect: urls.worker,
        dispatcher: by(urls.dispatcher),
      };
    };
    const stack = await startEngine({
      env: { ...settings, DATABASE_ADMIN_URL: undefined, REDIS_URL: undefined, POSTGRES_PORT: 0, REDIS_PORT: 0 },
      dataDir,
      egressAllow: "127.0.0.1/32,::1/128",
      ports: {},
      counts: { ...counts },
      postgresSettings: { shared_preload_libraries: "pg_stat_statements" },
      serviceEnv: { WORKER_CONCURRENCY: String(concurrency) },
      ...(options.pgbouncer ? { through } : {}),
      report,
      signal: stop.signal,
    });
    stops.push(stack.stop);
    return { stack, pgbouncer, stop: stack.stop };
  }
}

/** The order workflow of `npm run demo`: how it ended. */
async function order({ urls: { api, ingress }, adminToken }: Stack): Promise<string> {
  const { status } = await runOrderWorkflow({ api, ingress, adminToken }, () => undefined);
  return `The order workflow of \`npm run demo\`: ${status}.`;
}

async function writeResults(results: ScaleResults, report: Report): Promise<void> {
  const file =
    results.options.json ?? join("packages", "bench", "results", `${results.at.replaceAll(":", "-")}-scale.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  process.stdout.write(`${scaleReport(results)}\n`);
  report.line(`everything measured stands in ${file}`);
}

function isSound({ points, full, faults }: ScaleResults): boolean {
  return [...points, ...full, ...(faults === null ? [] : [faults])].every(
    ({ lost, doubled }) => lost === 0 && doubled === 0,
  );
}
