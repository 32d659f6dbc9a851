// Which process a number means. Pids are given out again; the time a process began, in the kernel's own words, is not.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/** Text that no other process with this pid ever has, or null where no such process runs (a zombie does not). */
export async function processIdentity(pid: number): Promise<string | null> {
  return process.platform === "linux" ? identityFromProc(pid) : identityFromPs(pid);
}

/** Whether a process with this pid runs, whosever it is. */
export async function isRunning(pid: number): Promise<boolean> {
  return (await processIdentity(pid)) !== null;
}

/** The arguments a process was started with, joined by blanks; empty where it is gone. */
export async function processCommand(pid: number): Promise<string> {
  if (process.platform === "linux") {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
  }
  return ps(pid, "command=");
}

async function identityFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // After the name, which is in parentheses and may hold anything: the state first, the start in ticks as the 20th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined || state === "Z" || state === "X") return null;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return `${boot.trim()}:${startTicks}`;
}

async function identityFromPs(pid: number): Promise<string | null> {
  const [state, ...started] = (await ps(pid, "state=,lstart=")).trim().split(/\s+/);
  return state === undefined || state === "" || state.startsWith("Z") ? null : started.join(" ");
}

async function ps(pid: number, format: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", format, "-p", String(pid)], {
      env: { ...process.env, LC_ALL: "C" },
    });
    return stdout;
  } catch {
    return "";
  }
}
