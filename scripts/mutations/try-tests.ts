// Runs named tests of a tree with vitest, and says of each how it went.
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { plainEnv, runCommand } from "../run-command.ts";
import { patternOf, type NamedTest } from "./mutation.ts";

/** Of vitest's JSON report. */
const VitestReport = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

/** `failed`: at least one case of it; `absent`: it did not run, as where its file cannot be loaded. */
export type Outcome = "passed" | "failed" | "absent";

export interface Tried {
  readonly outcomeOf: (test: NamedTest) => Outcome;
  /** What vitest printed. */
  readonly output: string;
}

/** A mutation that makes a test hang shall not keep the others waiting; ms. */
const LONGEST_RUN_MS = 300_000;
/** For each further file of tests, of which few run at once. */
const LONGER_PER_FILE_MS = 60_000;

export async function tryTests(tree: string, tests: readonly NamedTest[], signal: AbortSignal): Promise<Tried> {
  const report = join(tree, "mutation-report.json");
  await rm(report, { force: true });
  const files = new Set(tests.map(({ file }) => file));
  const args = [
    join("node_modules", "vitest", "vitest.mjs"),
    "run",
    ...files,
    "--testNamePattern",
    [...new Set(tests.map(({ title }) => patternOf(title)))].join("|"),
    "--reporter=dot",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ];
  const longestMs = LONGEST_RUN_MS + files.size * LONGER_PER_FILE_MS;
  const tooLong = AbortSignal.timeout(longestMs);
  const { output } = await runCommand(process.execPath, args, {
    show: false,
    cwd: tree,
    env: { ...plainEnv(), NO_COLOR: "1" },
    signal: AbortSignal.any([signal, tooLong]),
  }).catch((error: unknown) => {
    if (signal.aborted || !tooLong.aborted) throw error;
    return { output: `The tests took longer than ${longestMs / 1000} s.` };
  });
  const results = tooLong.aborted ? [] : await resultsIn(report);
  return {
    output,
    outcomeOf({ file, title }) {
      const isIt = new RegExp(patternOf(title));
      const cases = results
        .filter(({ name }) => name.endsWith(`/${file}`))
        .flatMap(({ assertionResults }) => assertionResults)
        .filter(({ fullName, status }) => isIt.test(fullName) && (status === "passed" || status === "failed"));
      if (cases.length === 0) return "absent";
      return cases.some(({ status }) => status === "failed") ? "failed" : "passed";
    },
  };
}

async function resultsIn(file: string): Promise<z.infer<typeof VitestReport>["testResults"]> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? [] : VitestReport.parse(JSON.parse(text)).testResults;
}
