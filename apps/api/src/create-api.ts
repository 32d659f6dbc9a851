// The API without its process: what main.ts runs and tests start in their own.

import { type Database, type MasterKeys, createDefinitionStore, createSecretBox } from "@keelson/db";
import { changeChannel, createHints, createSharedRate, openRedis, subscribe } from "@keelson/queue";
import { type Logger, type Metrics, type Tracing, createServiceApp } from "@keelson/service-kit";
import type { Express } from "express";
import { createAuthenticator } from "./auth/authenticate.ts";
import { createKeyDirectory } from "./auth/key-directory.ts";
import { createKeyLookUps } from "./auth/look-up-key.ts";
import { createQueuedLookUps } from "./auth/queued-look-ups.ts";
import { type BulkActionRunner, createBulkActionRunner } from "./bulk-actions/bulk-action-runner.ts";
import { applyChange, createChanges } from "./changes.ts";
import type { ApiDeps } from "./deps.ts";
import { createExecutionWatcher } from "./executions/watcher.ts";
import { createCursors } from "./http/cursor.ts";
import { limitCallers } from "./limits/limit-callers.ts";
import { type WrongKeyBounds, createWrongKeys } from "./limits/wrong-keys.ts";
import packageJson from "../package.json" with { type: "json" };
import { serveDocuments } from "./openapi/serve.ts";
import { createAudits } from "./ops/audits.ts";
import { createRedisProbe } from "./ops/redis-probe.ts";
import { ROUTES } from "./routes/all.ts";

export interface ApiOptions {
  readonly db: Database;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  readonly adminToken: string;
  /** Cursors are signed by keys derived from them. */
  readonly masterKeys: MasterKeys;
  readonly ingressUrl: string;
  /** For tests; else as `wrong-keys.ts` has it. */
  readonly wrongKeysPerMinute?: WrongKeyBounds;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Default: none recorded. */
  readonly tracing?: Tracing | undefined;
  readonly stopping: AbortSignal;
}

export interface Api {
  readonly app: Express;
  /** To be driven for as long as the process serves. */
  readonly bulkActions: BulkActionRunner;
  /** Lets go of Redis; the database is the caller's. */
  close(): Promise<void>;
}

export function createApi(options: ApiOptions): Api {
  const { db, log, metrics, stopping, redisPrefix: prefix, masterKeys } = options;
  const redisLog = {
    redisLost: (connection: string, error: unknown) => log.warn({ connection, err: error }, "redis.lost"),
    redisBack: (connection: string) => log.info({ connection }, "redis.back"),
  };
  const redis = openRedis(options.redisUrl, "api", "command", redisLog);
  const hints = createHints(redis, prefix);
  const monotonicMs = () => performance.now();
  const lookUps = createKeyLookUps({ db, log });
  const lookUpLater = createQueuedLookUps(lookUps.all);
  const keys = createKeyDirectory({
    lookUp: (key, urgency) => (urgency === "now" ? lookUps.one(key) : lookUpLater(key)),
    monotonicMs,
  });
  const wrongKeys = createWrongKeys(monotonicMs, options.wrongKeysPerMinute);
  const authenticator = createAuthenticator({ keys, adminToken: options.adminToken, wrongKeys });
  const changed = subscribe({
    redis: openRedis(options.redisUrl, "api-changes", "blocking", redisLog),
    channel: changeChannel(prefix),
    onMessage: (message) => applyChange(keys, message),
    onConnected: keys.forgetAll,
    onDisconnected: keys.forgetAll,
  });
  const deps: ApiDeps = {
    db,
    definitions: createDefinitionStore(db),
    secretBox: createSecretBox(masterKeys),
    authenticator: limitCallers(authenticator, createSharedRate({ redis, prefix, monotonicMs })),
    cursors: createCursors(masterKeys),
    changes: createChanges({ redis, prefix, keys }),
    hints,
    watcher: createExecutionWatcher({ db, log }),
    audits: createAudits({ db, metrics, log }),
    redisLatencyMs: createRedisProbe(redis),
    log,
    ingressUrl: options.ingressUrl,
    stopping,
  };
  const app = createServiceApp({
    log,
    metrics,
    tracing: options.tracing,
    stopping,
    checks: [
      { name: "postgres", required: true, check: db.assertMigrated },
      { name: "redis", required: false, check: async () => void (await redis.ping()) },
    ],
    routes: (app) => {
      serveDocuments(app, ROUTES, { version: packageJson.version, ingressUrl: options.ingressUrl });
      for (const route of ROUTES) route.mount(app, deps);
    },
  });
  return {
    app,
    bulkActions: createBulkActionRunner(deps),
    async close() {
      await Promise.allSettled([changed.close(), hints.close()]);
      redis.disconnect();
    },
  };
}
