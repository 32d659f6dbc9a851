// PostgreSQL and Redis for one run of the tests: in a folder of the system's temporary one, gone afterwards.

import type { Log } from "./log.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";
import { createRunFolder } from "./run-folder.ts";

/** Nothing here outlives its run, so nothing waits for the disk. */
const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: "300" };

export interface ThrowawayOptions {
  /** Used instead of starting one. */
  readonly databaseAdminUrl?: string | undefined;
  readonly redisUrl?: string | undefined;
  readonly log: Log;
}

export interface ThrowawayServices {
  readonly adminUrl: string;
  readonly redisUrl: string;
  /** Holds what was started. */
  readonly dataDir: string;
  readonly stop: () => Promise<void>;
}

export async function startThrowawayServices(options: ThrowawayOptions): Promise<ThrowawayServices> {
  const { log } = options;
  const { path: dataDir, dispose } = await createRunFolder(log);
  const stops: (() => Promise<void>)[] = [dispose];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.toReversed()) await stopOne();
  };
  try {
    let adminUrl = options.databaseAdminUrl;
    if (adminUrl === undefined) {
      const postgres = await startPostgres({ dataDir, user: "keelson", password: "keelson", settings: SETTINGS, log });
      stops.push(postgres.stop);
      ({ adminUrl } = postgres);
    }
    let { redisUrl } = options;
    if (redisUrl === undefined) {
      const redis = await startRedis({ dataDir, log });
      stops.push(redis.stop);
      redisUrl = redis.url;
    }
    return { adminUrl, redisUrl, dataDir, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
