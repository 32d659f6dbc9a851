// `postmaster.pid` in the data folder says which process serves it.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { processCommand } from "./process-identity.ts";

/** The server that runs on this data at the moment, whoever started it; null if none does. */
export async function runningServer(clusterDir: string): Promise<number | null> {
  const pid = await lockedBy(clusterDir);
  return pid !== null && (await processCommand(pid)).includes(clusterDir) ? pid : null;
}

/**
 * Removes a `postmaster.pid` whose pid now belongs to some other program. PostgreSQL itself sees to one whose process
 * is gone, but takes any living process of its user for a server. Whether old backends still use the data it checks by
 * their shared memory, which stands apart from this file.
 */
export async function clearStaleLock(clusterDir: string): Promise<void> {
  const pid = await lockedBy(clusterDir);
  if (pid === null) return;
  const command = await processCommand(pid);
  if (command !== "" && !command.includes(clusterDir)) await rm(join(clusterDir, "postmaster.pid"), { force: true });
}

async function lockedBy(clusterDir: string): Promise<number | null> {
  const [line] = (await readFile(join(clusterDir, "postmaster.pid"), "utf8").catch(() => "")).split("\n");
  const pid = Number(line);
  return Number.isInteger(pid) && pid > 0 ? pid : null;
}
