// npm test: the checks, every test against real PostgreSQL and Redis, and the services in their containers, where podman can.
// With arguments, vitest alone, with those.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { createRunFolder } from "@keelson/local-stack";
import { z } from "zod";
import { runChecks, type Tally } from "./checks.ts";
import { runContainerStage } from "./container-stage.ts";
import { createReport, explain } from "./report.ts";
import { plainEnv, runCommand } from "./run-command.ts";
import { exitCodeOf, watchStopWish } from "./stop-wish.ts";

/** Of vitest's JSON report; a file that could not be loaded has failed without a test that has. */
const VitestReport = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(z.object({ status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

const stop = watchStopWish();
const report = createReport();
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const filters = process.argv.slice(2);

process.exit(
  await test().catch((error: unknown) => {
    if (!stop.signal.aborted) report.line(explain(error));
    return stop.signal.aborted ? exitCodeOf(stop.signal) : 1;
  }),
);

async function test(): Promise<number> {
  const isWhole = filters.length === 0;
  const stages = [
    ...(isWhole ? [await runChecks(stop.signal, print)] : []),
    await runTests(),
    ...(isWhole ? [await runContainerStage(stop.signal, print)] : []),
  ];
  const passed = stages.reduce((sum, stage) => sum + stage.passed, 0);
  const failed = stages.reduce((sum, stage) => sum + stage.failed, 0);
  print(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

/** Whatever becomes of vitest, nothing of what the tests started goes on. */
async function runTests(): Promise<Tally> {
  const folder = await createRunFolder(report.line);
  try {
    const temporary = join(folder.path, "tmp");
    const results = join(folder.path, "results.json");
    await mkdir(temporary);
    const vitest = [join("node_modules", "vitest", "vitest.mjs"), "run", ...filters];
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
    const env = { ...plainEnv(), TMPDIR: temporary };
    const { ok } = await runCommand(process.execPath, [...vitest, ...reporters], {
      show: true,
      env,
      signal: stop.signal,
    });
    return tally(await readFile(results, "utf8").catch(() => null), ok);
  } finally {
    await folder.dispose();
  }
}

/** What is wrong beside the tests (no test ran, something was thrown outside of them, no report) is one failure more. */
function tally(text: string | null, ok: boolean): Tally {
  if (text === null) return { passed: 0, failed: 1 };
  const { numPassedTests: passed, numFailedTests, testResults } = VitestReport.parse(JSON.parse(text));
  const broken = testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.every(({ status }) => status !== "failed"),
  );
  const failed = numFailedTests + broken.length;
  return { passed, failed: failed === 0 && (!ok || passed === 0) ? 1 : failed };
}
