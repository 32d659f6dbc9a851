// The last stage of npm test: containers.sh, which says itself where it cannot be done.
import { plainEnv, runCommand, type Ended } from "./run-command.ts";
import type { Tally } from "./checks.ts";

/** Prints one line, and before it what was proved or, where that failed, everything that was said. Skipped, it counts for nothing. */
export async function runContainerStage(signal: AbortSignal, print: (text: string) => void): Promise<Tally> {
  const beganMs = performance.now();
  const ended = await runCommand("sh", ["scripts/containers.sh"], { show: false, env: plainEnv(), signal });
  const { line, tally, show } = judge(ended);
  if (show) print(ended.output.trimEnd());
  print(`${line} (${((performance.now() - beganMs) / 1000).toFixed(1)} s)`);
  return tally;
}

/** What a run of containers.sh comes to. */
export function judge({ ok, output }: Ended): { readonly line: string; readonly tally: Tally; readonly show: boolean } {
  const [, reason] = /^(skipped: .*)$/m.exec(output) ?? [];
  if (!ok) return { line: "✗ containers", tally: { passed: 0, failed: 1 }, show: true };
  if (reason !== undefined) return { line: `- containers ${reason}`, tally: { passed: 0, failed: 0 }, show: false };
  return { line: "✓ containers", tally: { passed: 1, failed: 0 }, show: true };
}
