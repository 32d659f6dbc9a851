// The whole engine on this machine: PostgreSQL, Redis and the four services, each its own process, each started again
// when it dies. Knows nothing of the schema or of what the services do.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { lockDataDir } from "./data-dir-lock.ts";
import { keptSecret } from "./kept-secret.ts";
import { stopLeftoverServices } from "./leftover-services.ts";
import type { Log } from "./log.ts";
import { startPostgres, type Postgres } from "./postgres.ts";
import { startRedis, type Redis } from "./redis.ts";
import { SERVICES, type DatabaseUrls, type ServiceName, type StackOptions } from "./stack-options.ts";
import { assignPorts, startService, untilReady, type Instance, type Surroundings } from "./stack-services.ts";

export interface Stack {
  /** Of the first process of each service, without a trailing slash. */
  readonly urls: Readonly<Record<ServiceName, string>>;
  /** Every process, in order. */
  readonly instances: Readonly<Record<ServiceName, readonly Instance[]>>;
  readonly adminToken: string;
  readonly masterKey: string;
  readonly adminUrl: string;
  readonly databaseUrls: DatabaseUrls;
  readonly redisUrl: string;
  /** Null where DATABASE_ADMIN_URL names another one. */
  readonly postgres: Postgres | null;
  /** Null where REDIS_URL names another one. */
  readonly redis: Redis | null;
  /** The pids of the moment. */
  readonly pids: () => Record<ServiceName, number[]>;
  /** Sends a signal (default SIGKILL) to one process of a service, as a fault would. */
  readonly kill: (service: ServiceName, n?: number, signal?: NodeJS.Signals) => void;
  /** Resolves when that process is ready, such as one just started again; throws after a minute, or where it keeps dying. */
  readonly untilReady: (instance: Instance) => Promise<void>;
  /** Drains and stops everything, services before servers. Safe to repeat. */
  readonly stop: () => Promise<void>;
}

/** Starts everything and resolves when every process is ready. Where that fails, what was started is stopped. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stops: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= stopInTurn(stops, options.log));
  try {
    return await start(options, stops, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(options: StackOptions, stops: (() => Promise<void>)[], stop: () => Promise<void>): Promise<Stack> {
  const { dataDir, signal } = options;
  const stage = options.stage ?? ((_name, work) => work());
  await mkdir(dataDir, { recursive: true });
  stops.unshift(await lockDataDir(dataDir));
  await stopLeftoverServices(dataDir, options.log);
  const ports = await assignPorts(options);

  const servers = await stage("PostgreSQL and Redis", () => startServers(options, stops));
  signal?.throwIfAborted();
  const databaseUrls = await stage("schema", () => options.prepareDatabase(servers.adminUrl));
  signal?.throwIfAborted();

  const adminToken = options.adminToken ?? (await keptSecret(join(dataDir, "secrets", "admin-token"), "base64url"));
  const masterKey = options.masterKey ?? (await keptSecret(join(dataDir, "secrets", "master-key"), "base64"));
  const surroundings: Surroundings = { ...servers, databaseUrls, adminToken, masterKey, ports };
  const instances = await stage("services", async () => {
    const started: Record<ServiceName, Instance[]> = { ingress: [], api: [], scheduler: [], worker: [] };
    stops.unshift(() => stopServices(started));
    for (const service of SERVICES) {
      for (const n of ports[service].keys()) {
        started[service].push(await startService(service, n, options, surroundings));
      }
    }
    await Promise.all(
      Object.values(started)
        .flat()
        .map((instance) => untilReady(instance, signal)),
    );
    return started;
  });

  return {
    urls: {
      ingress: firstUrl(instances.ingress),
      api: firstUrl(instances.api),
      scheduler: firstUrl(instances.scheduler),
      worker: firstUrl(instances.worker),
    },
    instances,
    adminToken,
    masterKey,
    databaseUrls,
    ...servers,
    pids: () => ({
      api: livePids(instances.api),
      ingress: livePids(instances.ingress),
      scheduler: livePids(instances.scheduler),
      worker: livePids(instances.worker),
    }),
    kill(service, n = 0, signal = "SIGKILL") {
      instances[service][n]?.process.kill(signal);
    },
    untilReady: (instance) => untilReady(instance),
    stop,
  };
}

interface Servers {
  readonly adminUrl: string;
  readonly redisUrl: string;
  readonly postgres: Postgres | null;
  readonly redis: Redis | null;
}

async function startServers(options: StackOptions, stops: (() => Promise<void>)[]): Promise<Servers> {
  const [postgres, redis] = await Promise.allSettled([
    options.databaseAdminUrl === undefined ? embeddedPostgres(options, stops) : null,
    options.redisUrl === undefined ? ownRedis(options, stops) : null,
  ]);
  if (postgres.status === "rejected") throw postgres.reason;
  if (redis.status === "rejected") throw redis.reason;
  return {
    adminUrl: postgres.value?.adminUrl ?? options.databaseAdminUrl ?? "",
    redisUrl: redis.value?.url ?? options.redisUrl ?? "",
    postgres: postgres.value,
    redis: redis.value,
  };
}

async function embeddedPostgres(options: StackOptions, stops: (() => Promise<void>)[]): Promise<Postgres> {
  const postgres = await startPostgres({
    dataDir: options.dataDir,
    port: options.ports?.postgres,
    user: "keelson",
    password: await keptSecret(join(options.dataDir, "secrets", "postgres-password"), "base64url"),
    settings: options.postgresSettings,
    log: options.log,
  });
  stops.unshift(postgres.stop);
  return postgres;
}

async function ownRedis(options: StackOptions, stops: (() => Promise<void>)[]): Promise<Redis> {
  const redis = await startRedis({ dataDir: options.dataDir, port: options.ports?.redis, log: options.log });
  stops.unshift(redis.stop);
  return redis;
}

/** Stops what takes work before what does it; what stands in one line stops together. */
async function stopServices(started: Readonly<Record<ServiceName, readonly Instance[]>>): Promise<void> {
  const together = async (instances: readonly Instance[]): Promise<void> => {
    await Promise.all(instances.map((instance) => instance.process.stop()));
  };
  await together([...started.ingress, ...started.api, ...started.scheduler]);
  await together(started.worker);
}

/** One that cannot be stopped does not keep the others running. */
async function stopInTurn(stops: readonly (() => Promise<void>)[], log: Log): Promise<void> {
  for (const stop of stops) await stop().catch((error: unknown) => log(`while stopping: ${String(error)}`));
}

function firstUrl(instances: readonly Instance[]): string {
  return instances[0]?.url ?? "";
}

function livePids(instances: readonly Instance[]): number[] {
  return instances.map((instance) => instance.process.pid()).filter((pid) => pid !== null);
}
