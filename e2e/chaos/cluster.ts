// The engine as processes, two or three of each, each behind a way to PostgreSQL that can be spoilt.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rm, writeFile } from "node:fs/promises";
import { createLogins, migrateDatabase } from "@keelson/db";
import { startEngine, type Engine } from "../support/engine.ts";
import { startDatabaseProxy, type DatabaseProxy } from "./database-proxy.ts";

/** How long a lease lives without being renewed. */
export const LEASE_TTL_MS = 10_000;

export interface Cluster {
  readonly engine: Engine;
  /** Of api and ingress, of the workers, of the schedulers. */
  readonly proxies: { readonly app: DatabaseProxy; readonly worker: DatabaseProxy; readonly dispatcher: DatabaseProxy };
  /** Shifts the n-th worker's clock; 0: it is right again. */
  shiftClock(worker: number, byMs: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startCluster(log: (line: string) => void): Promise<Cluster> {
  let proxies: Cluster["proxies"] | null = null;
  let dataDir = "";
  const preload = pathToFileURL(join(import.meta.dirname, "shifted-clock.ts")).href;
  const engine = await startEngine({
    counts: { api: 2, ingress: 2, scheduler: 2, worker: 3 },
    env: { LEASE_TTL: `${LEASE_TTL_MS}ms`, NODE_OPTIONS: `--import ${preload}` },
    prepareDatabase: async (adminUrl) => {
      await migrateDatabase({ adminUrl });
      const { app, worker, dispatcher } = await createLogins({ adminUrl });
      proxies = {
        app: await startDatabaseProxy(app),
        worker: await startDatabaseProxy(worker),
        dispatcher: await startDatabaseProxy(dispatcher),
      };
      return { app: proxies.app.url, worker: proxies.worker.url, dispatcher: proxies.dispatcher.url };
    },
    log,
  });
  if (proxies === null) throw new Error("The database was not prepared.");
  const ways: Cluster["proxies"] = proxies;
  dataDir = join(engine.stack.instances.worker[0]?.process.logFile ?? "", "../..");
  return {
    engine,
    proxies: ways,
    async shiftClock(worker, byMs) {
      const port = new URL(engine.stack.instances.worker[worker]?.url ?? "").port;
      const file = join(dataDir, `clock-${port}`);
      await (byMs === 0 ? rm(file, { force: true }) : writeFile(file, String(byMs)));
    },
    async stop() {
      await engine.stop();
      await Promise.all(Object.values(ways).map((proxy) => proxy.close()));
    },
  };
}
