// What loads an engine, wherever that runs, and knows what must come of it: the load generator, the target, and a tenant that
// has every workload saved and no limit in its way.
import { join } from "node:path";
import { createBenchTenant, type BenchTenant, type Engine } from "./engine-client.ts";
import type { LoadCalls } from "./load-process.ts";
import { startHelper, type Helper } from "./process-calls.ts";
import type { TargetCalls } from "./target-process.ts";
import type { Hook } from "./webhooks.ts";
import { workloads, WORKLOADS, type WorkloadName } from "./workflows.ts";

/** Connections of a closed loop. */
export const LANES = 32;

export interface Rig {
  readonly tenant: BenchTenant;
  readonly load: Helper<LoadCalls>["calls"];
  readonly target: Helper<TargetCalls>["calls"];
  readonly targetUrl: string;
  readonly hooks: Readonly<Record<WorkloadName, Hook>>;
  readonly helperPids: { readonly load: number; readonly target: number };
  readonly stop: () => Promise<void>;
}

const helperScript = (name: string): string => join(import.meta.dirname, `${name}-process.ts`);

/** The engine must allow http steps to 127.0.0.1, where the target listens. */
export async function openRig(engine: Engine): Promise<Rig> {
  const target = await startHelper<TargetCalls>(helperScript("target"));
  const load = await startHelper<LoadCalls>(helperScript("load"));
  const stop = async (): Promise<void> => void (await Promise.allSettled([load.stop(), target.stop()]));
  try {
    const { port, newsPort } = await target.calls.open();
    await load.calls.hearNews(newsPort);
    const targetUrl = `http://127.0.0.1:${port}`;
    const tenant = await createBenchTenant(engine, "bench");
    return {
      tenant,
      load: load.calls,
      target: target.calls,
      targetUrl,
      hooks: await saveWorkloads(tenant, targetUrl),
      helperPids: { load: load.pid, target: target.pid },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function saveWorkloads(tenant: BenchTenant, targetUrl: string): Promise<Record<WorkloadName, Hook>> {
  const hooks: Partial<Record<WorkloadName, Hook>> = {};
  for (const name of WORKLOADS) {
    const url = await tenant.save(workloads[name], targetUrl);
    hooks[name] = { url, secret: tenant.secret, ends: workloads[name].ends };
  }
  return hooks as Record<WorkloadName, Hook>;
}
