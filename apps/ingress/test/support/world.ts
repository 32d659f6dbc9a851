// An ingress over a real PostgreSQL, logged in as the restricted role, behind a port of its own. Its caches' clock stands
// still unless a test moves it: what a test sees change was told of, or looked up anew.

import { createSecretBox, createLogins, openDatabase, type Database, type SecretBox } from "@keelson/db";
import { createLogger, createMetrics, createServiceServer, type Metrics } from "@keelson/service-kit";
import { createTestDatabase, type TestDatabase } from "@keelson/testkit";
import type { HookDirectory } from "../../src/hooks/hook-directory.ts";
import { createIngress } from "../../src/ingress.ts";
import { type Answered, type Sent, post } from "./post.ts";
import { type TestTenant, createTenant } from "./tenant.ts";

export const MASTER_KEY = Buffer.alloc(32, 9);

export interface World {
  readonly database: TestDatabase;
  readonly appUrl: string;
  /** The tests' own connections. */
  readonly db: Database;
  readonly box: SecretBox;
  tenant(limits?: Parameters<typeof createTenant>[2]): Promise<TestTenant>;
  ingress(databaseUrl?: string): Promise<RunningIngress>;
  close(): Promise<void>;
}

export interface RunningIngress {
  readonly db: Database;
  readonly hooks: HookDirectory;
  readonly metrics: Metrics;
  /** Execution ids that workers were told of. */
  readonly woken: readonly string[];
  readonly logLines: readonly string[];
  /** Milliseconds that its caches and rates add to a fixed time. */
  readonly clock: { passedMs: number };
  send(sent: Sent): Promise<Answered>;
}

export async function createWorld(): Promise<World> {
  const database = await createTestDatabase();
  const suffix = database.name.slice(-8);
  const { app: appUrl } = await createLogins({ adminUrl: database.adminUrl, suffix });
  const db = openDatabase({ url: appUrl, applicationName: "keelson-test", maxConnections: 4 });
  const box = createSecretBox(MASTER_KEY);
  const closers: (() => Promise<unknown>)[] = [];
  return {
    database,
    appUrl,
    db,
    box,
    tenant: (limits) => createTenant(db, box, limits),
    async ingress(databaseUrl = appUrl) {
      const running = await start(databaseUrl, box);
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

async function start(databaseUrl: string, box: SecretBox): Promise<RunningIngress & { close(): Promise<void> }> {
  const db = openDatabase({ url: databaseUrl, applicationName: "keelson-ingress-test", maxConnections: 10 });
  const woken: string[] = [];
  const logLines: string[] = [];
  const clock = { passedMs: 0 };
  const metrics = createMetrics({ service: "ingress" });
  const { app, hooks } = createIngress({
    db,
    secretBox: box,
    wake: ({ executionId }) => void woken.push(executionId),
    log: createLogger({
      service: "ingress",
      level: "debug",
      destination: { write: (line) => void logLines.push(line) },
    }),
    metrics,
    checks: [{ name: "postgres", required: true, check: db.assertMigrated }],
  let url = "";
    stopping: new AbortController().signal,
    nowMs: Date.now,
    monotonicMs: () => 1_000_000 + clock.passedMs,
    masterKey: MASTER_KEY,
    publicUrl: () => url,
  });
  const server = createServiceServer({ app, port: 0, bindAddress: "127.0.0.1" });
  const { port } = await server.listen();
  return {
    db,
    hooks,
    metrics,
    woken,
    logLines,
    clock,
    send: (sent) => post(`http://127.0.0.1:${port}`, sent),
    async close() {
      await server.drain(AbortSignal.timeout(1_000));
      await db.close();
    },
  url = `http://127.0.0.1:${port}`;
  };
}
