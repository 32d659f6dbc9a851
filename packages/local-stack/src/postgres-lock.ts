// `postmaster.pid` in the data folder says which process serves it.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, processCommand } from "./process-identity.ts";

/** The server that runs on this data at the moment, whoever started it; null if none does. */
export async function runningServer(clusterDir: string): Promise<number | null> {
  const pid = await lockedBy(clusterDir);
  return pid !== null && (await processCommand(pid)).includes(clusterDir) ? pid : null;
}

/**
 * Removes a `postmaster.pid` whose process is gone, or whose pid now belongs to some other program. PostgreSQL itself takes
 * any process with that pid for a server, a killed one that nobody has waited for yet among them. Whether old backends
 * still use the data it checks by their shared memory, which stands apart from this file.
 */
export async function clearStaleLock(clusterDir: string): Promise<void> {
  const pid = await lockedBy(clusterDir);
  if (pid === null) return;
  if ((await isRunning(pid)) && (await processCommand(pid)).includes(clusterDir)) return;
  await rm(join(clusterDir, "postmaster.pid"), { force: true });
}

async function lockedBy(clusterDir: string): Promise<number | null> {
  const [line] = (await readFile(join(clusterDir, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const pid = Number(line);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
