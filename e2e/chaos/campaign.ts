// A campaign: random workflows run on a whole engine while faults strike it; then it heals, and everything must have ended
// as the model says. The seed decides workflows, inputs, starts and faults; their interleaving is the machine's.
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { eventually } from "@keelson/testkit";
import type { Violation } from "@keelson/db";
import { violations } from "../support/invariants.ts";
import { checkEffects, type Effects } from "./check-effects.ts";
import { checkEnds, type Difference } from "./check-ends.ts";
import { startCluster, type Cluster } from "./cluster.ts";
import { createFaultDriver, type InjectedFault } from "./driver.ts";
import { findAttempts, findExecutions, findLostIncarnations, untilAllEnded } from "./found.ts";
import { randomPlans, type Plans } from "./generator.ts";
import { createModel } from "./model.ts";
import { createRandom } from "./random.ts";
import { measureRecovery, type Recovery } from "./recovery.ts";
import { createStarter, type Start } from "./starts.ts";
import { startTarget, type Target } from "./target.ts";
import type { Tenant } from "../support/engine.ts";

export interface CampaignOptions {
  readonly seed: number;
  readonly executions: number;
  readonly faults: number;
  /** Over which starts and faults are spread; healing comes on top. */
  readonly seconds: number;
  /** The services' logs are kept although nothing is wrong. */
  readonly keepLogs?: boolean;
  readonly log: (line: string) => void;
}

export interface CampaignResult {
  readonly seed: number;
  /** As it was asked for. */
  readonly seconds: number;
  readonly starts: readonly Start[];
  /** Children and those that tell of a failure too. */
  readonly executions: number;
  readonly steps: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly faults: readonly InjectedFault[];
  readonly effects: Effects;
  readonly recovery: readonly Recovery[];
  /** From the end of the last fault to the last execution's end. */
  readonly healedInMs: number;
  /** Where not empty: what is wrong. */
  readonly stuck: readonly string[];
  readonly differences: readonly Difference[];
  readonly violations: readonly Violation[];
  readonly strange: readonly string[];
  /** Of the services; kept where something is wrong, or by wish. */
  readonly logs: string | null;
}

/** Nothing moved for so long after healing: it is stuck. */
const STUCK_AFTER_MS = 45_000;
const MAX_UNFINISHED = 250;

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { seed, log } = options;
  const target = await startTarget();
  const cluster = await startCluster(log);
  try {
    const tenant = await cluster.engine.tenant();
    const count = Math.min(80, Math.max(16, Math.ceil(options.executions / 20)));
    const plans = randomPlans(createRandom(seed, "workflows"), count, target.url);
    log(`seed ${seed}: ${plans.all.length} workflows, ${options.executions} executions, ${options.faults} faults`);
    const { starter, driver } = await underFire(options, { cluster, tenant, plans });
    const healingMs = performance.now();
    await heal(cluster);
    const stuck = await untilAllEnded(cluster.engine, STUCK_AFTER_MS);
    log(`healed: ${stuck.length === 0 ? "all have ended" : `${stuck.length} have not ended`}`);
    const healedInMs = performance.now() - healingMs;
    return await judge(options, { cluster, tenant, target, plans, starter, driver, stuck, healedInMs });
  } finally {
    await cluster.stop();
    await target.close();
  }
}

type Starter = ReturnType<typeof createStarter>;
type Driver = ReturnType<typeof createFaultDriver>;

async function underFire(
  options: CampaignOptions,
  { cluster, tenant, plans }: { cluster: Cluster; tenant: Tenant; plans: Plans },
): Promise<{ starter: Starter; driver: Driver }> {
  const { engine } = cluster;
  const hookUrls = new Map<string, string>();
  for (const { name, document } of plans.all) hookUrls.set(name, await tenant.save(document));
  const { seed, log } = options;
  const random = createRandom(seed, "starts");
  const starter = createStarter({
    engine,
    tenant,
    roots: plans.roots,
    hookUrls,
    random,
    maxUnfinished: MAX_UNFINISHED,
  });
  const driver = createFaultDriver(cluster, createRandom(seed, "faults"), log);
  const overMs = options.seconds * 1_000;
  const { signal } = new AbortController();
  const faults = driver.run(options.faults, overMs / Math.max(1, options.faults), signal);
  await Promise.all([starter.run(options.executions, overMs, signal), faults]);
  return { starter, driver };
}

/** Everything runs again; nothing is in the way. */
async function heal({ engine, proxies, shiftClock }: Cluster): Promise<void> {
  for (const proxy of Object.values(proxies)) {
    proxy.refuse(false);
    proxy.delay(0);
  }
  for (const n of engine.stack.instances.worker.keys()) await shiftClock(n, 0);
  for (const { url } of Object.values(engine.stack.instances).flat()) {
    await eventually(
      async () => {
        const { status } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
        if (status !== 200) throw new Error(`${url}/readyz answers ${status}.`);
      },
      { withinMs: 120_000, everyMs: 250 },
    );
  }
}

async function judge(
  options: CampaignOptions,
  of: {
    cluster: Cluster;
    tenant: Tenant;
    target: Target;
    plans: Plans;
    starter: Starter;
    driver: Driver;
    stuck: readonly string[];
    healedInMs: number;
  },
): Promise<CampaignResult> {
  const { cluster, tenant, target, plans, starter, driver, stuck, healedInMs } = of;
  const { engine } = cluster;
  const found = await findExecutions(engine, tenant.id);
  const attempts = await findAttempts(engine, tenant.id);
  const lost = await findLostIncarnations(engine);
  const effects = checkEffects(target.byKey, found, attempts, plans.byName, driver.injected, lost);
  const ends = checkEnds(found, starter.starts, plans.byName, createModel(plans.byName));
  const broken = await violations(engine);
  const differences = [...ends, ...effects.differences];
  const strange = [...starter.strange].map(([status, times]) => `${times} starts were answered ${status}`);
  const result = {
    seed: options.seed,
    seconds: options.seconds,
    starts: starter.starts,
    executions: found.size,
    steps: [...found.values()].reduce((sum, { steps }) => sum + steps.size, 0),
    ends: countBy(
      [...found.values()].map(({ status, error }) => (error === null ? status : `${status} ${error.code}`)),
    ),
    faults: driver.injected,
    effects,
    recovery: await measureRecovery(engine, tenant.id, driver.injected),
    healedInMs,
    stuck,
    differences,
    violations: broken,
    strange: [...strange, ...target.strange],
    logs: null,
  };
  return isSound(result) && options.keepLogs !== true ? result : { ...result, logs: await keepLogs(cluster) };
}

/** Nothing lost, doubled, stuck or other than the model says. */
export function isSound(result: CampaignResult): boolean {
  const { stuck, differences, violations: broken, strange } = result;
  return stuck.length + differences.length + broken.length + strange.length === 0;
}

async function keepLogs({ engine }: Cluster): Promise<string> {
  const kept = await mkdtemp(join(tmpdir(), "keelson-chaos-"));
  await cp(dirname(engine.stack.instances.worker[0]?.process.logFile ?? ""), kept, { recursive: true });
  return kept;
}

function countBy(names: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length]));
}
