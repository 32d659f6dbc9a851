// Which Redis to run: the system's own, else one fetched with the system's package manager. On Debian and its like that
// needs no root and touches nothing of the system: apt works on folders of its own, and the packages are unpacked
// beside the checkout's other tools.

import { execFile } from "node:child_process";
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Log } from "./log.ts";

const run = promisify(execFile);
const NAMES = ["redis-server", "valkey-server"];
const HELP =
  "Redis is needed, and none was found on PATH nor could one be fetched. Install `redis-server` (Debian, Ubuntu: " +
  "`apt-get install redis-server`; Fedora: `dnf install valkey`; Alpine: `apk add redis`; macOS: `brew install redis`), " +
  "or set REDIS_URL.";

export interface RedisBinary {
  readonly command: string;
  /** Folders of shared libraries it needs beside the system's. */
  readonly libraryPath: string | null;
}

/** Finds or fetches a Redis server. `toolsDir` keeps what is fetched. Throws with what to install if there is no way. */
export async function redisBinary(toolsDir: string, log: Log): Promise<RedisBinary> {
  const installed = (await onPath()) ?? (await unpacked(join(toolsDir, "redis")));
  if (installed !== null) return installed;
  const problems: string[] = [];
  for (const fetch of [fetchWithApt, fetchWithBrew, fetchAsRoot]) {
    try {
      await fetch(toolsDir, log);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
    const fetched = (await unpacked(join(toolsDir, "redis"))) ?? (await onPath());
    if (fetched !== null) return fetched;
  }
  throw new Error([HELP, ...problems].join("\n"));
}

async function onPath(): Promise<RedisBinary | null> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/opt/homebrew/bin", "/usr/local/bin", "/usr/sbin"];
  for (const name of NAMES) {
    for (const folder of folders) {
      const command = join(folder, name);
      if (folder !== "" && (await isExecutable(command))) return { command, libraryPath: null };
    }
  }
  return null;
}

async function unpacked(folder: string): Promise<RedisBinary | null> {
  for (const name of NAMES) {
    const command = join(folder, "usr", "bin", name);
    if (!(await isExecutable(command))) continue;
    const libraries = join(folder, "usr", "lib");
    const triplets = (await readdir(libraries).catch(() => [])).filter((entry) => entry.includes("-linux-"));
    return { command, libraryPath: [libraries, ...triplets.map((entry) => join(libraries, entry))].join(delimiter) };
  }
  return null;
}

async function fetchWithApt(toolsDir: string, log: Log): Promise<void> {
  if (!(await hasCommand("apt-get")) || !(await hasCommand("dpkg-deb"))) return;
  log("fetching redis-server with apt-get, for this checkout alone");
  await mkdir(toolsDir, { recursive: true });
  const work = await mkdtemp(join(toolsDir, "redis-fetch-"));
  try {
    await mkdir(join(work, "lists", "partial"), { recursive: true });
    await mkdir(join(work, "cache", "archives", "partial"), { recursive: true });
    const options = [`Dir::State::lists=${work}/lists`, `Dir::Cache=${work}/cache`, "Debug::NoLocking=1"];
    // As root, apt would fetch as a user of its own, which may not enter this folder.
    if (process.getuid?.() === 0) options.push("APT::Sandbox::User=root");
    const flags = options.flatMap((option) => ["-o", option]);
    // One source of several that does not answer makes this fail although Redis can be had.
    await run("apt-get", [...flags, "update"], { maxBuffer: 1 << 26 }).catch(() => {});
    const install = ["install", "--yes", "--download-only", "--no-install-recommends", "redis-server", "redis-tools"];
    await run("apt-get", [...flags, ...install], { maxBuffer: 1 << 26 });
    const archives = join(work, "cache", "archives");
    const packages = (await readdir(archives)).filter((entry) => entry.endsWith(".deb"));
    for (const entry of packages) await run("dpkg-deb", ["-x", join(archives, entry), join(work, "root")]);
    // Two starts at once may both get here: the first one's result is as good.
    await rename(join(work, "root"), join(toolsDir, "redis")).catch(() => {});
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchWithBrew(_toolsDir: string, log: Log): Promise<void> {
  if (!(await hasCommand("brew"))) return;
  log("installing redis with brew");
  await run("brew", ["install", "redis"], {
    maxBuffer: 1 << 26,
    env: { ...process.env, HOMEBREW_NO_AUTO_UPDATE: "1" },
  });
}

async function fetchAsRoot(_toolsDir: string, log: Log): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const ways = [
    { command: "dnf", args: ["install", "--assumeyes"], packages: ["valkey", "redis"] },
    { command: "yum", args: ["install", "--assumeyes"], packages: ["redis"] },
    { command: "apk", args: ["add", "--no-cache"], packages: ["redis", "valkey"] },
    { command: "zypper", args: ["--non-interactive", "install"], packages: ["redis", "valkey"] },
    { command: "pacman", args: ["--sync", "--refresh", "--noconfirm"], packages: ["valkey"] },
  ];
  for (const { command, args, packages } of ways) {
    if (!(await hasCommand(command))) continue;
    for (const name of packages) {
      log(`installing ${name} with ${command}`);
      const installed = await run(command, [...args, name], { maxBuffer: 1 << 26 }).catch(() => null);
      if (installed !== null) return;
    }
  }
}

async function hasCommand(name: string): Promise<boolean> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder !== "" && (await isExecutable(join(folder, name)))) return true;
  }
  return false;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
