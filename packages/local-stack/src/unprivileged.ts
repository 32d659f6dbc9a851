// PostgreSQL refuses to run as root, or to make its data as a user whom the system has no name for (as containers like
// to have it; such a user gets a name in a namespace). Started by root, it runs as somebody else, and must still reach
// its binaries and its data where they lie in a folder that only root may enter. Three ways, the plainest that works here is taken:
//  - plain:     another user and group, where that user can reach everything;
//  - namespace: a user namespace in which root's own files belong to an ordinary user (needs CAP_SYS_ADMIN or the like);
//  - override:  another user that keeps CAP_DAC_OVERRIDE. PostgreSQL asks access(2) whether its binaries may be run,
//               which heeds no capability, so they are copied to where everybody can reach them.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, realpath, rm, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { binariesIn, type PostgresBinaries } from "./postgres-binaries.ts";

const run = promisify(execFile);

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

export interface Launcher {
  readonly way: "self" | "plain" | "namespace" | "override";
  /** Who must own the data folder, seen from here; null where it is this process's own user. */
  readonly owner: Owner | null;
  readonly binaries: PostgresBinaries;
  /** How to start one of the binaries. */
  readonly launch: (command: string, args: readonly string[]) => Launch;
  /** Removes what was copied. */
  readonly dispose: () => Promise<void>;
}

/** Chooses how to run PostgreSQL on the data in `dataDir`, which exists. */
export async function chooseLauncher(binaries: PostgresBinaries, dataDir: string): Promise<Launcher> {
  if (process.getuid?.() !== 0) return hasName() ? selfLauncher(binaries) : namedLauncher(binaries, dataDir);
  const user = await unprivilegedUser();
  for (const make of [plainLauncher, namespaceLauncher, overrideLauncher]) {
    const launcher = await make(binaries, dataDir, user);
    if (launcher !== null) return launcher;
  }
  throw new Error(
    `PostgreSQL cannot run as root, and user ${user.uid} cannot reach ${dataDir}. ` +
      "Run as another user, move the checkout to a folder that others may enter, or set DATABASE_ADMIN_URL.",
  );
}

function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

async function namedLauncher(binaries: PostgresBinaries, dataDir: string): Promise<Launcher> {
  const launcher = await namespaceLauncher(binaries, dataDir, await unprivilegedUser());
  if (launcher !== null) return launcher;
  throw new Error(
    `PostgreSQL cannot run as user ${process.getuid?.()}, for whom /etc/passwd has no name. ` +
      "Add one, run as another user, or set DATABASE_ADMIN_URL.",
  );
}

function selfLauncher(binaries: PostgresBinaries): Launcher {
  return {
    way: "self",
    owner: null,
    binaries,
    launch: (command, args) => ({ command, args }),
    dispose: async () => {},
  };
}

async function plainLauncher(binaries: PostgresBinaries, dataDir: string, user: Owner): Promise<Launcher | null> {
  const reachable = (await canEnter(dirname(dataDir), user)) && (await canEnter(dirname(binaries.postgres), user));
  if (!reachable) return null;
  const launch = (command: string, args: readonly string[]): Launch => ({ command, args, ...user });
  return { way: "plain", owner: user, binaries, launch, dispose: async () => {} };
}

async function namespaceLauncher(binaries: PostgresBinaries, _dataDir: string, user: Owner): Promise<Launcher | null> {
  const options = ["--user", `--map-user=${user.uid}`, `--map-group=${user.gid}`, "--"];
  if (!(await works("unshare", [...options, binaries.postgres, "--version"]))) return null;
  const launch = (command: string, args: readonly string[]): Launch => ({
    command: "unshare",
    args: [...options, command, ...args],
  });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return { way: "namespace", owner, binaries, launch, dispose: async () => {} };
}

async function overrideLauncher(binaries: PostgresBinaries, dataDir: string, user: Owner): Promise<Launcher | null> {
  const options = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
  ];
  if (!(await works("setpriv", [...options, "true"]))) return null;
  // One copy per data folder: what a killed launcher left is replaced, and nobody else's folder is ever used.
  const copy = join(tmpdir(), `keelson-postgres-${createHash("sha256").update(dataDir).digest("hex").slice(0, 16)}`);
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { mode: 0o700 });
  await cp(binaries.root, copy, { recursive: true, verbatimSymlinks: true });
  await run("chmod", ["-R", "a+rX", copy]);
  const launch = (command: string, args: readonly string[]): Launch => ({
    command: "setpriv",
    args: [...options, command, ...args],
  });
  const dispose = (): Promise<void> => rm(copy, { recursive: true, force: true });
  return { way: "override", owner: user, binaries: binariesIn(copy), launch, dispose };
}

/** `postgres` where the system has such a user, else `nobody`. */
export async function unprivilegedUser(): Promise<Owner> {
  for (const name of ["postgres", "nobody"]) {
    try {
      const uid = Number((await run("id", ["-u", name])).stdout);
      const gid = Number((await run("id", ["-g", name])).stdout);
      if (uid > 0 && gid > 0) return { uid, gid };
    } catch {
      // No such user here: the next one.
    }
  }
  return { uid: 65_534, gid: 65_534 };
}

/** Whether every folder from the root down to this one lets the user pass. */
async function canEnter(folder: string, user: Owner): Promise<boolean> {
  for (let path = await realpath(folder); ; path = dirname(path)) {
    const { mode, uid, gid } = await stat(path);
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (path === dirname(path)) return true;
  }
}

async function works(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, [...args]).then(
    () => true,
    () => false,
  );
}
