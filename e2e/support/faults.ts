// Faults as they happen to processes, and how long the engine took to go on.
import { eventually } from "@keelson/testkit";
import type { Engine } from "./engine.ts";

/** The worker process that holds an execution; throws while none does. */
export async function holderOf(engine: Engine, executionId: string): Promise<number> {
  const [row] = await engine.query<{ name: string }>(
    "select w.name from keelson.executions e join keelson.workers w on w.id = e.owner where e.id = $1",
    [executionId],
  );
  if (row === undefined) throw new Error(`Nobody holds ${executionId}`);
  return Number(row.name.replace("worker-", ""));
}

/** SIGKILLs the worker that holds the execution. */
export async function killHolder(engine: Engine, executionId: string): Promise<void> {
  process.kill(await eventually(() => holderOf(engine, executionId)), "SIGKILL");
}

/** Prints a figure of interest; nothing is asserted of it, since the machine may be busy. */
export function report(what: string, sinceMs: number): void {
  process.stderr.write(`    ${what}: ${Math.round(performance.now() - sinceMs)} ms\n`);
}
