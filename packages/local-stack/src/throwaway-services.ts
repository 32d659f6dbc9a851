// PostgreSQL and Redis for one run of the tests: in a folder of the system's temporary one, gone afterwards. What a
// killed run left behind, the next one stops and removes.

import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { dataDirHolder, lockDataDir } from "./data-dir-lock.ts";
import type { Log } from "./log.ts";
import { startPostgres } from "./postgres.ts";
import { runningServer } from "./postgres-lock.ts";
import { startRedis } from "./redis.ts";
import { stopLeftover, stopProcess } from "./stop-process.ts";

/** Nothing here outlives its run, so nothing waits for the disk. */
const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: "300" };
const YOUNG_MS = 10_000;

export interface ThrowawayOptions {
  /** Used instead of starting one. */
  readonly databaseAdminUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly log: Log;
}

export interface ThrowawayServices {
  readonly adminUrl: string;
  readonly redisUrl: string;
  readonly stop: () => Promise<void>;
}

export async function startThrowawayServices(options: ThrowawayOptions): Promise<ThrowawayServices> {
  const base = join(tmpdir(), `keelson-test-${userInfo().uid}`);
  await mkdir(base, { recursive: true, mode: 0o755 });
  await removeAbandoned(base);
  const dataDir = await mkdtemp(join(base, "run-"));
  const unlock = await lockDataDir(dataDir);
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.reverse()) await stopOne();
    await unlock();
    await rm(dataDir, { recursive: true, force: true });
  };
  const { log } = options;
  try {
    let adminUrl = options.databaseAdminUrl;
    if (adminUrl === undefined) {
      const postgres = await startPostgres({ dataDir, user: "keelson", password: "keelson", settings: SETTINGS, log });
      stops.push(() => postgres.stop());
      ({ adminUrl } = postgres);
    }
    let { redisUrl } = options;
    if (redisUrl === undefined) {
      const redis = await startRedis({ dataDir, log });
      stops.push(() => redis.stop());
      redisUrl = redis.url;
    }
    return { adminUrl, redisUrl, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function removeAbandoned(base: string): Promise<void> {
  for (const name of await readdir(base)) {
    const dataDir = join(base, name);
    // A folder is older than its lock by a moment.
    const { mtimeMs } = await stat(dataDir);
    if (Date.now() - mtimeMs < YOUNG_MS || (await dataDirHolder(dataDir)) !== null) continue;
    const postgres = await runningServer(join(dataDir, "postgres"));
    if (postgres !== null) await stopProcess(postgres, { signal: "SIGQUIT", graceMs: 5_000 });
    await stopLeftover(join(dataDir, "run", "redis-0.pid"), { signal: "SIGTERM", graceMs: 5_000 });
    await rm(dataDir, { recursive: true, force: true });
  }
}
