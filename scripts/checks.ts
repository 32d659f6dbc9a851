// What is held against the tree without running it. turbo keeps what passed, by the content of the files.
import { join } from "node:path";
import { plainEnv, runCommand } from "./run-command.ts";

interface Check {
  readonly name: string;
  /** What mends it, where a command does. */
  readonly remedy?: string;
  readonly turbo: readonly string[];
}

const task = (name: string): readonly string[] => ["run", name, "--output-logs=errors-only", "--no-color"];

const CHECKS: readonly Check[] = [
  { name: "format", turbo: task("check:format"), remedy: "npm run format" },
  { name: "lint", turbo: task("check:lint") },
  { name: "types", turbo: task("check:types") },
  { name: "boundaries", turbo: ["boundaries", "--no-color"] },
];

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Prints one line a check, and the output of those that fail. */
export async function runChecks(signal: AbortSignal, print: (text: string) => void): Promise<Tally> {
  const turbo = join("node_modules", ".bin", "turbo");
  const env = { ...plainEnv(), TURBO_TELEMETRY_DISABLED: "1", TURBO_NO_UPDATE_NOTIFIER: "1", DO_NOT_TRACK: "1" };
  let failed = 0;
  for (const check of CHECKS) {
    const beganMs = performance.now();
    const { ok, output } = await runCommand(turbo, check.turbo, { show: false, env, signal });
    const tookSeconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    print(`${ok ? "✓" : "✗"} ${check.name} (${tookSeconds} s)`);
    if (ok) continue;
    failed += 1;
    print(output.trimEnd());
    if (check.remedy !== undefined) print(`${check.remedy} mends it.`);
  }
  return { passed: CHECKS.length - failed, failed };
}
