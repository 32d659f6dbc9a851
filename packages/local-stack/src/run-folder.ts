// A temporary folder for one run of tests, and whatever was started with its data in it. What a killed run left behind,
// the next one stops and removes.

import { chmod, mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dataDirHolder, lockDataDir } from "./data-dir-lock.ts";
import type { Log } from "./log.ts";
import { stopLeftoverServices } from "./leftover-services.ts";
import { runningServer } from "./postgres-lock.ts";
import { stopLeftover, stopProcess } from "./stop-process.ts";

/** A folder is older than its lock by a moment. */
const YOUNG_MS = 10_000;
/** Data folders lie in the folder itself, in folders of it, or in folders of these. */
const DEPTH = 3;

export interface RunFolder {
  readonly path: string;
  /** Stops what still runs on data below it, and removes it. */
  readonly dispose: () => Promise<void>;
}

/** Everybody may enter it, as PostgreSQL must when root has it run as another user. `base` is for such folders alone. */
export async function createRunFolder(log: Log, base = temporaryBase()): Promise<RunFolder> {
  await mkdir(base, { recursive: true, mode: 0o755 });
  await removeAbandoned(base, log);
  const path = await mkdtemp(join(base, "run-"));
  await chmod(path, 0o755);
  const unlock = await lockDataDir(path);
  const dispose = async (): Promise<void> => {
    await stopBelow(path, log);
    await unlock();
    await rm(path, { recursive: true, force: true });
  };
  return { path, dispose };
}

function temporaryBase(): string {
  return join(tmpdir(), `keelson-test-${process.getuid?.() ?? "user"}`);
}

async function removeAbandoned(base: string, log: Log): Promise<void> {
  for (const name of await readdir(base)) {
    const path = join(base, name);
    // Another run may just have removed its own.
    const mtimeMs = (await stat(path).catch(() => null))?.mtimeMs ?? Date.now();
    if (Date.now() - mtimeMs < YOUNG_MS || (await dataDirHolder(path)) !== null) continue;
    await stopBelow(path, log);
    await rm(path, { recursive: true, force: true });
  }
}

async function stopBelow(path: string, log: Log, depth = DEPTH): Promise<void> {
  // Another run may be removing it just now.
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory());
  if (folders.some(({ name }) => name === "run")) await stopDataDir(path, log);
  if (depth === 0) return;
  for (const { name } of folders) await stopBelow(join(path, name), log, depth - 1);
}

async function stopDataDir(dataDir: string, log: Log): Promise<void> {
  await stopLeftoverServices(dataDir, log);
  const postgres = await runningServer(join(dataDir, "postgres"));
  if (postgres !== null) await stopProcess(postgres, { signal: "SIGQUIT", graceMs: 5_000 });
  await stopLeftover(join(dataDir, "run", "redis-0.pid"), { signal: "SIGTERM", graceMs: 5_000 });
}
