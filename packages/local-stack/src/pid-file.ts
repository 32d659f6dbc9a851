// A pid file holds the pid alone, for people and their tools. Beside it, `.<name>.identity` says which process that
// number meant when it was written, so that a recycled pid is never taken for ours.

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { processIdentity } from "./process-identity.ts";

/** Writes both files; each is replaced as a whole. Does nothing for a process that is gone by now. */
export async function writePidFile(file: string, pid: number): Promise<void> {
  const identity = await processIdentity(pid);
  if (identity === null) return;
  await mkdir(dirname(file), { recursive: true });
  await replaceFile(identityFile(file), `${pid} ${identity}\n`);
  await replaceFile(file, `${pid}\n`);
}

/** The pid in the file while that very process still runs, else null. */
export async function livePid(file: string): Promise<number | null> {
  const pid = Number(await readFile(file, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const recorded = (await readFile(identityFile(file), "utf8").catch(() => "")).trim();
  const identity = await processIdentity(pid);
  return identity !== null && recorded === `${pid} ${identity}` ? pid : null;
}

export async function removePidFile(file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(identityFile(file), { force: true });
}

function identityFile(file: string): string {
  return join(dirname(file), `.${basename(file)}.identity`);
}

async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}
