// What the measurements of one run share: the engine, its tenant, the helpers, the meters, how long each phase lasts.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Stack } from "@keelson/local-stack";
import { Client } from "pg";
import { createBenchTenant, type BenchTenant } from "./engine-client.ts";
import type { LoadCalls } from "./load-process.ts";
import { startHelper, type Helper } from "./process-calls.ts";
import { machineCpuMs, measureUsage, type Usage } from "./process-meter.ts";
import { openServerMeters, type ServerMeters } from "./server-meters.ts";
import type { TargetCalls } from "./target-process.ts";
import type { Hook } from "./webhooks.ts";
import { workloads, WORKLOADS, type WorkloadName } from "./workflows.ts";

export const PROCESSES = ["ingress", "api", "scheduler", "worker", "postgres", "redis"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface Usages {
  readonly at: number;
  readonly engine: Readonly<Record<ProcessName, Usage>> | null;
  /** CPU time of the suite itself (load, target, this process) and of all processes of the machine; ms. */
  readonly benchCpuMs: number;
  readonly machineCpuMs: number | null;
}

export interface Bench {
  readonly stack: Stack;
  readonly tenant: BenchTenant;
  readonly load: Helper<LoadCalls>["calls"];
  readonly target: Helper<TargetCalls>["calls"];
  readonly targetUrl: string;
  readonly hooks: Readonly<Record<WorkloadName, Hook>>;
  readonly meters: ServerMeters;
  /** Another database of the same PostgreSQL. */
  readonly baselineUrl: string;
  readonly usages: () => Promise<Usages>;
  readonly close: () => Promise<void>;
}

const helperScript = (name: string): string => join(import.meta.dirname, `${name}-process.ts`);

export async function openBench(stack: Stack): Promise<Bench> {
  const { postgres, redis } = stack;
  if (postgres === null || redis === null) throw new Error("The benchmarks run on servers of their own");
  const target = await startHelper<TargetCalls>(helperScript("target"));
  const load = await startHelper<LoadCalls>(helperScript("load"));
  const { port, newsPort } = await target.calls.open();
  await load.calls.hearNews(newsPort);
  const targetUrl = `http://127.0.0.1:${port}`;
  const meters = await openServerMeters(stack.adminUrl, stack.redisUrl);
  const tenant = await createBenchTenant(stack, "bench");
  const hooks = await saveWorkloads(tenant, targetUrl);
  const baselineUrl = await createBaselineDatabase(stack.adminUrl);

  return {
    stack,
    tenant,
    load: load.calls,
    target: target.calls,
    targetUrl,
    hooks,
    meters,
    baselineUrl,
    async usages() {
      const pidOf = (service: { readonly pid: () => number | null }): number[] =>
        [service.pid()].filter((pid) => pid !== null);
      const groups = {
        ...stack.pids(),
        postgres: pidOf(postgres.service),
        redis: pidOf(redis.service),
        load: [load.pid],
        target: [target.pid],
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
      await Promise.allSettled([load.stop(), target.stop(), meters.close()]);
    },
  };
}

async function saveWorkloads(tenant: BenchTenant, targetUrl: string): Promise<Record<WorkloadName, Hook>> {
  const hooks: Partial<Record<WorkloadName, Hook>> = {};
  for (const name of WORKLOADS) {
    const url = await tenant.save(workloads[name], targetUrl);
    hooks[name] = { url, secret: tenant.secret, ends: workloads[name].ends };
  }
  return hooks as Record<WorkloadName, Hook>;
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
