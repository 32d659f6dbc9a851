// An ingress over a real PostgreSQL, logged in as the restricted role, behind a port of its own. Its caches' clock stands
// still unless a test moves it: what a test sees change was told of, or looked up anew.

import { createSecretBox, createLogins, openDatabase, type Database, type SecretBox } from "@keelson/db";
import { createSharedRate, openRedis } from "@keelson/queue";
import { createLogger, createMetrics, createServiceServer, type Metrics } from "@keelson/service-kit";
import {
  assertNoSecrets,
  createTestDatabase,
  masterKeyBytes,
  testRedisPrefix,
  type TestDatabase,
} from "@keelson/testkit";
import type { HookDirectory } from "../../src/hooks/hook-directory.ts";
import { createIngress } from "../../src/ingress.ts";
import { type Answered, type Sent, post } from "./post.ts";
import { type TestTenant, createTenant } from "./tenant.ts";

export const MASTER_KEY = masterKeyBytes();
const MASTER_KEYS = [{ version: 1, bytes: MASTER_KEY }] as const;
const REDIS_PREFIX = testRedisPrefix();
const NO_LOG = { redisLost: () => undefined, redisBack: () => undefined };

export interface World {
  readonly database: TestDatabase;
  readonly appUrl: string;
  /** The tests' own connections. */
  readonly db: Database;
  readonly box: SecretBox;
  tenant(limits?: Parameters<typeof createTenant>[2]): Promise<TestTenant>;
  /** `redisUrl`: to count rates over several; left out, each by itself. */
  ingress(databaseUrl?: string, redisUrl?: string): Promise<RunningIngress>;
  close(): Promise<void>;
}

export interface RunningIngress {
  readonly db: Database;
  readonly hooks: HookDirectory;
  readonly metrics: Metrics;
  /** Execution ids that workers were told of. */
  readonly woken: readonly string[];
  readonly logLines: readonly string[];
  /** `passedMs`: what its caches and rates add to a fixed time. `wallAheadMs`: how far its time of day is ahead. */
  readonly clock: { passedMs: number; wallAheadMs: number };
  /** Null: it was given none. */
  readonly redis: { readonly status: string } | null;
  readonly url: string;
  /** Resolves with the answer once a refused delivery is written down, too. */
  send(sent: Sent): Promise<Answered>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const suffix = database.name.slice(-8);
  const { app: appUrl } = await createLogins({ adminUrl: database.adminUrl, suffix });
  const db = openDatabase({ url: appUrl, applicationName: "keelson-test", maxConnections: 4 });
  const box = createSecretBox(MASTER_KEYS);
  const closers: (() => Promise<unknown>)[] = [];
  return {
    database,
    appUrl,
    db,
    box,
    tenant: (limits) => createTenant(db, box, limits),
    async ingress(databaseUrl = appUrl, redisUrl?: string) {
      const running = await start(databaseUrl, box, redisUrl);
      closers.push(running.close);
      return running;
    },
    async close() {
      for (const close of closers) await close();
      await db.close();
      await database.drop();
    },
  };
}

type Closable = RunningIngress & { close(): Promise<void> };

async function start(databaseUrl: string, box: SecretBox, redisUrl: string | undefined): Promise<Closable> {
  const db = openDatabase({ url: databaseUrl, applicationName: "keelson-ingress-test", maxConnections: 10 });
  const woken: string[] = [];
  const logLines: string[] = [];
  const clock = { passedMs: 0, wallAheadMs: 0 };
  const monotonicMs = () => 1_000_000 + clock.passedMs;
  const redis = redisUrl === undefined ? null : openRedis(redisUrl, "ingress-test", "command", NO_LOG);
  const metrics = createMetrics({ service: "ingress" });
  let url = "";
  const { app, hooks, settled } = createIngress({
    db,
    secretBox: box,
    masterKeys: MASTER_KEYS,
    publicUrl: () => url,
    wake: ({ executionId }) => void woken.push(executionId),
    signedRate: createSharedRate({ redis, prefix: REDIS_PREFIX, monotonicMs }),
    log: createLogger({
      service: "ingress",
      level: "debug",
      destination: { write: (line) => void logLines.push(line) },
    }),
    metrics,
    checks: [{ name: "postgres", required: true, check: db.assertMigrated }],
    stopping: new AbortController().signal,
    nowMs: () => Date.now() + clock.wallAheadMs,
    monotonicMs,
  });
  const server = createServiceServer({ app, port: 0, bindAddress: "127.0.0.1" });
  const { port } = await server.listen();
  url = `http://127.0.0.1:${port}`;
  return {
    db,
    hooks,
    metrics,
    woken,
    logLines,
    clock,
    redis,
    url,
    async send(sent) {
      const answered = await post(url, sent);
      await settled();
      return answered;
    },
    async close() {
      await server.drain(AbortSignal.timeout(1_000));
      redis?.disconnect();
      await db.close();
      assertNoSecrets("the ingress's log", logLines.join(""));
      assertNoSecrets("the ingress's metrics", await metrics.registry.metrics());
    },
  };
}
