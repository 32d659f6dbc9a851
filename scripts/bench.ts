// npm run bench: the benchmarks on an engine of their own, with servers of their own, all of it gone at the end. The table goes
// to stdout, everything measured to a JSON file.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { headOf, parseOptions, runSuite, tableOf, type BenchOptions, type Results } from "@keelson/bench";
import { createRunFolder } from "@keelson/local-stack";
import { benchScale } from "./bench-scale.ts";
import { readEnv, type StackEnv } from "./env.ts";
import { createReport, explain } from "./report.ts";
import { startEngine } from "./start-engine.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

const stop = watchStopWish();
const report = createReport();

const args = process.argv.slice(2);
const work = args.includes("--scale") ? benchScale(args, stop, report) : bench();
process.exit(
  await work.catch((error: unknown) => {
    if (!stop.signal.aborted) report.line(explain(error));
    return stop.signal.aborted ? exitCodeOf(stop.signal) : 1;
  }),
);

async function bench(): Promise<number> {
  const options = parseOptions(args);
  const settings = readEnv();
  // On the disk of the data folder: what lies in memory commits faster than any disk.
  const base = resolve(settings.KEELSON_DATA_DIR ?? ".keelson", "bench");
  const folder = await createRunFolder(report.line, base);
  try {
    const results = await measure(options, settings, join(folder.path, "engine"));
    const file = options.json ?? join("packages", "bench", "results", `${results.at.replaceAll(":", "-")}.json`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
    const notes = results.notes.map((note) => `\n${note}`).join("");
    process.stdout.write(`${headOf(results)}\n\n${tableOf(results)}\n${notes === "" ? "" : `${notes}\n`}`);
    report.line(`everything measured stands in ${file}`);
    return 0;
  } finally {
    await report.stage("stopped", folder.dispose);
  }
}

async function measure(options: BenchOptions, settings: StackEnv, dataDir: string): Promise<Results> {
  const profile = options.profile === null ? {} : profiling(resolve(options.profile));
  const stack = await startEngine({
    env: { ...settings, DATABASE_ADMIN_URL: undefined, REDIS_URL: undefined, POSTGRES_PORT: 0, REDIS_PORT: 0 },
    dataDir,
    egressAllow: "127.0.0.1/32,::1/128",
    ports: {},
    postgresSettings: {
      shared_preload_libraries: "pg_stat_statements",
      "pg_stat_statements.track": options.profile === null ? "top" : "all",
    },
    serviceEnv: profile,
    report,
    signal: stop.signal,
  });
  try {
    const suite = runSuite(stack, options, { signal: stop.signal, say: report.line });
    // Told to stop, the suite's calls fail one after the other as the engine goes.
    suite.catch(() => undefined);
    const results = await Promise.race([suite, stop.wished]);
    if (typeof results === "string") throw new Error(`stopped (${results})`);
    return results;
  } finally {
    await stack.stop();
  }
}

function profiling(folder: string): Record<string, string> {
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` };
}
