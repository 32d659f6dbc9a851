// CPU time and memory of processes with all their children, as Linux tells them; nothing elsewhere.
import { readdir, readFile } from "node:fs/promises";

/** Of the kernel's clock ticks, in which it tells times: 100 a second on every Linux of today; ms. */
const TICK_MS = 10;

export interface Usage {
  /** Of the process, its children, and those children that have ended; ms. */
  readonly cpuMs: number;
  /** Most resident memory of any one of them so far, shared memory included; bytes. */
  readonly peakRssBytes: number;
}

interface Stat {
  readonly parent: number;
  readonly cpuMs: number;
}

/** Each group is the processes of some pids with their descendants. Null where there is no /proc. */
export async function measureUsage<G extends string>(
  groups: Readonly<Record<G, readonly number[]>>,
): Promise<Record<G, Usage> | null> {
  if (process.platform !== "linux") return null;
  const stats = await readStats();
  const children = Map.groupBy([...stats.keys()], (pid) => stats.get(pid)?.parent ?? 0);
  const family = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap(family)];
  const usages = Object.entries<readonly number[]>(groups).map(async ([group, pids]) => {
    const all = pids.flatMap(family);
    const peaks = await Promise.all(all.map(peakRss));
    const cpuMs = all.reduce((sum, pid) => sum + (stats.get(pid)?.cpuMs ?? 0), 0);
    return [group, { cpuMs, peakRssBytes: Math.max(0, ...peaks) }] as const;
  });
  return Object.fromEntries(await Promise.all(usages)) as Record<G, Usage>;
}

/** CPU time that all processes of the machine have used together, ms; null where there is no /proc. */
export async function machineCpuMs(): Promise<number | null> {
  const text = await readFile("/proc/stat", "utf8").catch(() => null);
  if (text === null) return null;
  // user, nice, system, idle, iowait, irq, softirq, steal.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (text.split("\n")[0] ?? "")
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_MS;
}

async function readStats(): Promise<Map<number, Stat>> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(async (pid) => [pid, await readStat(pid)] as const));
  return new Map(stats.flatMap(([pid, stat]) => (stat === null ? [] : [[pid, stat] as const])));
}

async function readStat(pid: number): Promise<Stat | null> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // After the name, which is in parentheses and may hold anything: state, parent, …; utime, stime, cutime, cstime from the 12th on.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [parent, ...times] = [fields[1], ...fields.slice(11, 15)];
  return parent === undefined ? null : { parent, cpuMs: times.reduce((sum, ticks) => sum + ticks, 0) * TICK_MS };
}

async function peakRss(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
