// A Redis of this machine's own. It holds hints alone, so nothing is written to disk: after a restart it is empty.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis as RedisClient } from "ioredis";
import type { Log } from "./log.ts";
import { logTail } from "./log-tail.ts";
import { isPortFree, keptPort, PortTakenError } from "./ports.ts";
import { redisBinary } from "./redis-binary.ts";
import { stopLeftover } from "./stop-process.ts";
import { superviseService, type Service } from "./supervise.ts";

const READY_WITHIN_MS = 20_000;
const POLL_MS = 50;
const QUICK_DEATHS_LIMIT = 4;

export interface RedisOptions {
  /** Holds `redis/`, `run/`, `log/` and `redis.port`; made if need be. */
  readonly dataDir: string;
  /** Left out or 0, the one of the last time is taken, or a free one. */
  readonly port?: number | undefined;
  /** Where a fetched Redis is kept; default: the checkout's `.tools`. */
  readonly toolsDir?: string | undefined;
  readonly log: Log;
}

export interface Redis {
  readonly port: number;
  readonly url: string;
  readonly service: Service;
  readonly stop: () => Promise<void>;
}

/** Starts Redis and resolves when it answers. A server left over from a former run is stopped first. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const workDir = join(options.dataDir, "redis");
  const pidFile = join(options.dataDir, "run", "redis-0.pid");
  await mkdir(workDir, { recursive: true });
  await stopLeftover(pidFile, { signal: "SIGTERM", graceMs: 5_000 });
  const binary = await redisBinary(options.toolsDir ?? join(import.meta.dirname, "../../../.tools"), options.log);
  const port = await choosePort(options);
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: workDir,
    save: "",
    appendonly: "no",
    "maxmemory-policy": "noeviction",
  };
  const service = await superviseService({
    name: "redis-0",
    command: binary.command,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: {
      PATH: process.env["PATH"],
      ...(binary.libraryPath === null ? {} : { LD_LIBRARY_PATH: binary.libraryPath }),
    },
    cwd: workDir,
    pidFile,
    logFile: join(options.dataDir, "log", "redis-0.log"),
    log: options.log,
    graceMs: 10_000,
  });
  const url = `redis://127.0.0.1:${port}`;
  try {
    await untilAnswering(url, service);
  } catch (error) {
    await service.stop();
    throw error;
  }
  return { port, url, service, stop: () => service.stop() };
}

async function choosePort(options: RedisOptions): Promise<number> {
  if (options.port === undefined || options.port === 0) return keptPort(join(options.dataDir, "redis.port"));
  if (!(await isPortFree(options.port))) throw new PortTakenError(options.port, "REDIS_PORT");
  return options.port;
}

async function untilAnswering(url: string, service: Service): Promise<void> {
  const deadlineAt = Date.now() + READY_WITHIN_MS;
  for (;;) {
    const client = new RedisClient(url, { lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 });
    client.on("error", () => {});
    try {
      await client.connect();
      await client.ping();
      return;
    } catch (cause) {
      if (service.quickDeaths() >= QUICK_DEATHS_LIMIT || Date.now() > deadlineAt) {
        throw new Error(`Redis does not answer. Its log ends:\n${await logTail(service.logFile)}`, { cause });
      }
      await sleep(POLL_MS);
    } finally {
      client.disconnect();
    }
  }
}
