// One launcher per data folder. The lock says which process holds it; one whose process is gone is free.

import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { processIdentity } from "./process-identity.ts";

export class DataDirInUseError extends Error {
  readonly pid: number;
  constructor(dataDir: string, pid: number) {
    super(`${dataDir} is in use by process ${pid}. Stop that one first, or set KEELSON_DATA_DIR to another folder.`);
    this.name = "DataDirInUseError";
    this.pid = pid;
  }
}

/** Takes the folder for this process and returns how to give it back. Throws DataDirInUseError. */
export async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const file = lockFile(dataDir);
  await mkdir(join(dataDir, "run"), { recursive: true });
  const mine = `${process.pid} ${(await processIdentity(process.pid)) ?? ""}`;
  for (;;) {
    if (await createWith(file, mine)) return () => rm(file, { force: true });
    const holder = await dataDirHolder(dataDir);
    if (holder !== null) throw new DataDirInUseError(dataDir, holder);
    await removeStale(file);
  }
}

/** The pid of the launcher that has the folder, or null. */
export async function dataDirHolder(dataDir: string): Promise<number | null> {
  return liveHolder(await readFile(lockFile(dataDir), "utf8").catch(() => ""));
}

function lockFile(dataDir: string): string {
  return join(dataDir, "run", "launcher.lock");
}

async function liveHolder(text: string): Promise<number | null> {
  const pid = Number(text.split(" ")[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const identity = await processIdentity(pid);
  return identity !== null && text === `${pid} ${identity}` ? pid : null;
}

/** Creates the file with its whole content at once; false where it exists. */
async function createWith(file: string, text: string): Promise<boolean> {
  const temporary = `${file}.${randomUUID()}`;
  await writeFile(temporary, text);
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Moves the lock away before it is removed, so that a lock another starter has just taken is seen and put back. */
async function removeStale(file: string): Promise<void> {
  const moved = `${file}.${randomUUID()}`;
  const found = await rename(file, moved).then(
    () => true,
    () => false,
  );
  if (!found) return;
  if ((await liveHolder(await readFile(moved, "utf8"))) !== null) await link(moved, file).catch(() => {});
  await rm(moved, { force: true });
}
