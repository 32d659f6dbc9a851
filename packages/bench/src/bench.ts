// What the measurements of one run share: the engine, its tenant, the helpers, the meters, how long each phase lasts.
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@keelson/local-stack";
import { Client } from "pg";
import { machineCpuMs, measureUsage, type Usage } from "./process-meter.ts";
import { openRig, type Rig } from "./rig.ts";
import { openServerMeters, type ServerMeters } from "./server-meters.ts";

export const PROCESSES = ["ingress", "api", "scheduler", "worker", "postgres", "redis"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface Usages {
  readonly at: number;
  readonly engine: Readonly<Record<ProcessName, Usage>> | null;
  /** CPU time of the suite itself (load, target, this process) and of all processes of the machine; ms. */
  readonly benchCpuMs: number;
  readonly machineCpuMs: number | null;
}

export interface Bench extends Rig {
  readonly stack: Stack;
  readonly meters: ServerMeters;
  /** Another database of the same PostgreSQL. */
  readonly baselineUrl: string;
  readonly usages: () => Promise<Usages>;
  readonly close: () => Promise<void>;
}

export async function openBench(stack: Stack): Promise<Bench> {
  const { postgres, redis } = stack;
  if (postgres === null || redis === null) throw new Error("The benchmarks run on servers of their own");
  const rig = await openRig(stack);
  const meters = await openServerMeters(stack.adminUrl, stack.redisUrl);
  const baselineUrl = await createBaselineDatabase(stack.adminUrl);

  return {
    ...rig,
    stack,
    meters,
    baselineUrl,
    async usages() {
      const pidOf = (service: { readonly pid: () => number | null }): number[] =>
        [service.pid()].filter((pid) => pid !== null);
      const groups = {
        ...stack.pids(),
        postgres: pidOf(postgres.service),
        redis: pidOf(redis.service),
        load: [rig.helperPids.load],
        target: [rig.helperPids.target],
      };
      const measured = await measureUsage(groups);
      const own = process.cpuUsage();
      const helpersMs = measured === null ? 0 : measured.load.cpuMs + measured.target.cpuMs;
      return {
        at: performance.now(),
        engine: measured,
        benchCpuMs: helpersMs + (own.user + own.system) / 1000,
        machineCpuMs: await machineCpuMs(),
      };
    },
    async close() {
      await Promise.allSettled([rig.stop(), meters.close()]);
    },
  };
}

async function createBaselineDatabase(adminUrl: string): Promise<string> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  await client.query("create database bench_baseline template template0");
  await client.end();
  return Object.assign(new URL(adminUrl), { pathname: "/bench_baseline" }).href;
}

/** Share of the machine's CPU time between two looks that neither the engine nor the suite has used; null where unknown. */
export function cpuElsewhere(before: Usages, after: Usages): number | null {
  if (before.machineCpuMs === null || after.machineCpuMs === null || before.engine === null || after.engine === null)
    return null;
  const engine = (usages: Record<ProcessName, Usage>): number =>
    PROCESSES.reduce((sum, name) => sum + usages[name].cpuMs, 0);
  const all = after.machineCpuMs - before.machineCpuMs;
  const ours = engine(after.engine) - engine(before.engine) + after.benchCpuMs - before.benchCpuMs;
  return Math.max(0, all - ours) / ((after.at - before.at) * availableParallelism());
}

/** Waits until so many ms have passed since `sinceMs`, of `performance.now()`. */
export async function untilPassed(ms: number, sinceMs: number): Promise<void> {
  await sleep(Math.max(0, sinceMs + ms - performance.now()));
}
