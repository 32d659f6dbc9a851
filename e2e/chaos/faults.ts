// The kinds of faults: what each does to the cluster, and whether it may cut off attempts that are under way.
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_PREFIX, WAKE_QUEUE } from "@keelson/queue";
import { LEASE_TTL_MS, type Cluster } from "./cluster.ts";
import type { Random } from "./random.ts";

export interface FaultKind {
  readonly name: string;
  /** Attempts under way may be cut off by it, and are then made again. */
  readonly cutsAttempts: boolean;
  /** What it strikes is taken over by others: recovery is the first progress under another epoch. */
  readonly freesLeases?: true;
  /** How often it is drawn beside the others. */
  readonly weight: number;
  /** Resolves when the world is as before. `hits`: whom it strikes, told at the moment when it does. */
  readonly strike: (cluster: Cluster, random: Random, hits: (what: Struck) => Promise<void>) => Promise<string>;
}

/** Whose executions a fault strikes: one worker's, or everybody's. */
export type Struck = { readonly workerPid: number } | "everybody";

const WORKERS = 3;
const PAIR = 2;

export const FAULT_KINDS: readonly FaultKind[] = [
  {
    name: "SIGKILL of a worker",
    cutsAttempts: true,
    freesLeases: true,
    weight: 4,
    async strike(cluster, random, hits) {
      const n = random.int(0, WORKERS - 1);
      const pid = pidOf(cluster, "worker", n);
      if (pid === null) return "none ran";
      cluster.engine.stack.kill("worker", n);
      await hits({ workerPid: pid });
      return `worker-${n}`;
    },
  },
  {
    name: "SIGKILL of api, ingress or scheduler",
    cutsAttempts: false,
    weight: 2,
    async strike(cluster, random, hits) {
      const service = random.pick(["api", "ingress", "scheduler"] as const);
      const n = random.int(0, PAIR - 1);
      cluster.engine.stack.kill(service, n);
      await hits("everybody");
      return `${service}-${n}`;
    },
  },
  {
    name: "SIGSTOP of a worker past its lease",
    cutsAttempts: true,
    freesLeases: true,
    weight: 2,
    strike: (cluster, random, hits) => stopWorker(cluster, random, hits, LEASE_TTL_MS + random.int(500, 3_000)),
  },
  {
    name: "SIGSTOP of a worker within its lease",
    cutsAttempts: true,
    weight: 1,
    strike: (cluster, random, hits) => stopWorker(cluster, random, hits, random.int(300, LEASE_TTL_MS / 2)),
  },
  {
    name: "SIGSTOP of api, ingress or scheduler",
    cutsAttempts: false,
    weight: 1,
    async strike(cluster, random, hits) {
      const service = random.pick(["api", "ingress", "scheduler"] as const);
      const n = random.int(0, PAIR - 1);
      const ms = random.int(300, 6_000);
      const pid = pidOf(cluster, service, n);
      if (pid === null) return "none ran";
      await hits("everybody");
      await stopped(pid, ms);
      return `${service}-${n} for ${ms} ms`;
    },
  },
  {
    name: "database backends terminated",
    cutsAttempts: true,
    weight: 2,
    async strike(cluster, random, hits) {
      const share = random.pick([0.1, 0.3, 1]);
      await untilPostgresAnswers(cluster);
      await hits("everybody");
      const gone = await cluster.engine.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'keelson%' and random() < $1",
        [share],
      );
      return `${gone.length} of them`;
    },
  },
  {
    name: "PostgreSQL restarted",
    cutsAttempts: true,
    weight: 1,
    strike: (cluster, _random, hits) => signalPostgres(cluster, "SIGINT", hits),
  },
  {
    name: "PostgreSQL crashed (immediate stop)",
    cutsAttempts: true,
    weight: 1,
    strike: (cluster, _random, hits) => signalPostgres(cluster, "SIGQUIT", hits),
  },
  {
    name: "a database backend killed (crash recovery)",
    cutsAttempts: true,
    weight: 1,
    async strike(cluster, _random, hits) {
      await untilPostgresAnswers(cluster);
      await hits("everybody");
      const [backend] = await cluster.engine.query<{ pid: number }>(
        "select pid from pg_stat_activity where application_name like 'keelson%' order by random() limit 1",
      );
      if (backend === undefined) return "none ran";
      process.kill(backend.pid, "SIGKILL");
      await untilPostgresAnswers(cluster);
      return `pid ${backend.pid}`;
    },
  },
  {
    name: "Redis emptied (FLUSHALL)",
    cutsAttempts: false,
    weight: 1,
    async strike(cluster, _random, hits) {
      await hits("everybody");
      return withRedis(cluster, async (redis) => void (await redis.flushall()));
    },
  },
  {
    name: "Redis killed and started again",
    cutsAttempts: false,
    weight: 1,
    async strike({ engine }, _random, hits) {
      await hits("everybody");
      engine.stack.redis?.service.kill("SIGKILL");
      return "";
    },
  },
  {
    name: "Redis withheld",
    cutsAttempts: false,
    weight: 1,
    async strike({ engine }, random, hits) {
      const pid = engine.stack.redis?.service.pid() ?? null;
      if (pid === null) return "none ran";
      const ms = random.int(1_000, 5_000);
      await hits("everybody");
      await stopped(pid, ms);
      return `for ${ms} ms`;
    },
  },
  {
    name: "answer of a COMMIT lost",
    cutsAttempts: true,
    weight: 3,
    strike: ({ proxies }, _random, hits) => loseAnswer(proxies.worker, "execution_commit", hits),
  },
  {
    name: "answer of a claim lost",
    cutsAttempts: true,
    weight: 2,
    strike: ({ proxies }, _random, hits) => loseAnswer(proxies.worker, "execution_claim", hits),
  },
  {
    name: "answer of a start lost",
    cutsAttempts: false,
    weight: 2,
    strike: ({ proxies }, random, hits) =>
      loseAnswer(proxies.app, random.pick(["execution_start", "deliveries_accept"]), hits),
  },
  {
    name: "connections to PostgreSQL cut",
    cutsAttempts: true,
    weight: 2,
    async strike({ proxies }, random, hits) {
      const who = random.pick(["app", "worker", "dispatcher"] as const);
      const share = random.pick([0.2, 0.5, 1]);
      await hits("everybody");
      return `${proxies[who].cut(() => random.chance(share))} of ${who}`;
    },
  },
  {
    name: "connections to PostgreSQL refused",
    cutsAttempts: true,
    weight: 1,
    async strike({ proxies }, random, hits) {
      const who = random.pick(["app", "worker", "dispatcher"] as const);
      const ms = random.int(500, LEASE_TTL_MS + 2_000);
      await hits("everybody");
      proxies[who].refuse(true);
      await sleep(ms);
      proxies[who].refuse(false);
      return `${who} for ${ms} ms`;
    },
  },
  {
    name: "connections to PostgreSQL slowed down",
    cutsAttempts: true,
    weight: 1,
    async strike({ proxies }, random, hits) {
      const who = random.pick(["app", "worker", "dispatcher"] as const);
      const [delayMs, ms] = [random.int(50, 400), random.int(1_000, 4_000)];
      await hits("everybody");
      proxies[who].delay(delayMs);
      await sleep(ms);
      proxies[who].delay(0);
      return `${who} by ${delayMs} ms for ${ms} ms`;
    },
  },
  {
    name: "messages doubled, reordered and made up",
    cutsAttempts: false,
    weight: 2,
    async strike(cluster, random, hits) {
      await untilPostgresAnswers(cluster);
      await hits("everybody");
      const some = await cluster.engine.query<{ tenantId: string; executionId: string }>(
        `select tenant_id as "tenantId", id as "executionId" from keelson.executions order by random() limit 40`,
      );
      const unknown = { tenantId: crypto.randomUUID(), executionId: crypto.randomUUID() };
      const foreign = some.slice(0, 3).map(({ executionId }) => ({ ...unknown, executionId }));
      const refs = random.shuffled([...some, ...some, ...some, ...foreign, unknown]);
      return withRedis(cluster, async (redis) => {
        await redis.eval(REVERSE_LIST, 1, `${DEFAULT_PREFIX}:${WAKE_QUEUE}:wait`);
        const queue = new Queue(WAKE_QUEUE, { connection: redis, prefix: DEFAULT_PREFIX });
        const jobs = refs.map((data) => ({
          name: WAKE_QUEUE,
          data,
          opts: {
            removeOnComplete: true,
            removeOnFail: true,
            delay: random.pick([0, 0, 200, 2_000]),
            lifo: random.chance(0.5),
          },
        }));
        await queue.addBulk(jobs);
        await queue.close();
      });
    },
  },
  {
    name: "a worker's clock shifted",
    cutsAttempts: false,
    weight: 2,
    async strike(cluster, random, hits) {
      const n = random.int(0, WORKERS - 1);
      const byMs = random.pick([-1, 1]) * random.int(30_000, 3_600_000);
      const pid = pidOf(cluster, "worker", n);
      if (pid !== null) await hits({ workerPid: pid });
      await cluster.shiftClock(n, byMs);
      await sleep(random.int(2_000, 6_000));
      await cluster.shiftClock(n, 0);
      return `worker-${n} by ${Math.round(byMs / 1_000)} s`;
    },
  },
];

const REVERSE_LIST = `
  local jobs = redis.call('LRANGE', KEYS[1], 0, -1)
  for _, job in ipairs(jobs) do redis.call('LREM', KEYS[1], 1, job) redis.call('LPUSH', KEYS[1], job) end
  return #jobs`;

async function stopWorker(
  cluster: Cluster,
  random: Random,
  hits: (what: Struck) => Promise<void>,
  ms: number,
): Promise<string> {
  const n = random.int(0, WORKERS - 1);
  const pid = pidOf(cluster, "worker", n);
  if (pid === null) return "none ran";
  await Promise.all([stopped(pid, ms), hits({ workerPid: pid })]);
  return `worker-${n} for ${ms} ms`;
}

async function stopped(pid: number, ms: number): Promise<void> {
  signal(pid, "SIGSTOP");
  await sleep(ms);
  signal(pid, "SIGCONT");
}

/** It may have been killed since. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function pidOf(cluster: Cluster, service: "api" | "ingress" | "scheduler" | "worker", n: number): number | null {
  return cluster.engine.stack.instances[service][n]?.process.pid() ?? null;
}

async function signalPostgres(
  cluster: Cluster,
  name: "SIGINT" | "SIGQUIT",
  hits: (what: Struck) => Promise<void>,
): Promise<string> {
  await untilPostgresAnswers(cluster);
  await hits("everybody");
  cluster.engine.stack.postgres?.service.kill(name);
  await sleep(200);
  await untilPostgresAnswers(cluster);
  return "";
}

async function untilPostgresAnswers({ engine }: Cluster): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; performance.now() < deadlineMs; await sleep(50)) {
    const answers = await engine.query("select 1").then(
      () => true,
      () => false,
    );
    if (answers) return;
  }
}

/** Lost when a statement of that name comes, which on an idle engine it may not. */
async function loseAnswer(
  proxy: Cluster["proxies"]["app"],
  statement: string,
  hits: (what: Struck) => Promise<void>,
): Promise<string> {
  const lost = proxy.loseAnswer(statement, 5_000);
  await hits("everybody");
  return `${statement}${(await lost) ? "" : ": none came"}`;
}

async function withRedis(cluster: Cluster, act: (redis: Redis) => Promise<void>): Promise<string> {
  const redis = new Redis(cluster.engine.stack.redisUrl, { maxRetriesPerRequest: null, connectTimeout: 2_000 });
  redis.on("error", () => undefined);
  try {
    const acted = act(redis).then(() => "");
    return await Promise.race([acted, sleep(5_000, "Redis did not answer")]);
  } catch (error) {
    return String(error);
  } finally {
    redis.disconnect();
  }
}
