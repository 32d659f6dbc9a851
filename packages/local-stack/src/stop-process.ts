import { setTimeout as sleep } from "node:timers/promises";
import { livePid, removePidFile } from "./pid-file.ts";
import { processIdentity } from "./process-identity.ts";

const POLL_MS = 25;

/** Asks a process to end, and ends it after `graceMs`. Resolves once it is gone. */
export async function stopProcess(pid: number, options: { signal: NodeJS.Signals; graceMs: number }): Promise<void> {
  const identity = await processIdentity(pid);
  if (identity === null) return;
  signalProcess(pid, options.signal);
  const deadlineAt = Date.now() + options.graceMs;
  while ((await processIdentity(pid)) === identity) {
    if (Date.now() > deadlineAt) signalProcess(pid, "SIGKILL");
    await sleep(POLL_MS);
  }
}

/** Stops the process that a pid file of a former run names, if it is still that one; removes the file. */
export async function stopLeftover(
  file: string,
  options: { signal: NodeJS.Signals; graceMs: number },
): Promise<number | null> {
  const pid = await livePid(file);
  if (pid !== null) await stopProcess(pid, options);
  await removePidFile(file);
  return pid;
}

/** Sends a signal; a process that has just ended is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
