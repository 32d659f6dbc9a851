// Workers as PostgreSQL knows them. Each incarnation also holds an advisory lock on a connection of its own, which
// PostgreSQL releases the moment the process dies: evidence of death, never of life.
import type { LeaseStore, OwnedLease } from "@keelson/engine";
import { Client } from "pg";
import type { Database, HotQuery } from "./database.ts";
import { isDirect } from "./direct-connection.ts";

/** First half of the advisory locks' keys; the second is the worker's id. "work" in ASCII. */
export const WORKER_LOCK_CLASS = 0x776f726b;

const REGISTER: HotQuery = { name: "worker_register", text: "select * from keelson.worker_register($1, $2)" };
const TICK: HotQuery = { name: "worker_tick", text: "select * from keelson.worker_tick($1, $2, $3, $4)" };
const RETIRE: HotQuery = { name: "worker_retire", text: "select keelson.worker_retire($1)" };

/** A tick without an answer by then has failed: the lease is counted from before it was sent; ms. */
const TICK_TIMEOUT_MS = 2_000;

export interface PgLeaseStore extends LeaseStore {
  close(): Promise<void>;
}

export interface LeaseStoreOptions {
  /** Of a direct connection, not through a pooler: the advisory lock belongs to the session. Else there is none. */
  readonly url: string;
  readonly applicationName: string;
  /** The heartbeat's figures, asked for at each tick. */
  readonly stats: () => { readonly [name: string]: number | string | boolean };
}

export function createLeaseStore(db: Database, options: LeaseStoreOptions): PgLeaseStore {
  /** This process's incarnation before the next one. */
  let last: string | null = null;
  let watch: { readonly workerId: string; readonly client: Client } | null = null;
  let pooled = false;
  let taking = false;

  /** Holds the lock that others look for. Without it the worker lives by its lease alone, whose renewal never waits for it. */
  async function takeLock(workerId: string): Promise<void> {
    void dropLock(); // may wait for an answer from a network that gives none
    if (pooled || taking) return;
    taking = true;
    await connectAndLock(workerId);
    taking = false;
  }

  async function connectAndLock(workerId: string): Promise<void> {
    const client = new Client({
      connectionString: options.url,
      application_name: `${options.applicationName}-lease`,
      connectionTimeoutMillis: TICK_TIMEOUT_MS,
      query_timeout: TICK_TIMEOUT_MS,
      keepAlive: true,
    });
    client.on("error", () => {
      if (watch?.client === client) watch = null;
    });
    try {
      await client.connect();
      pooled = !(await isDirect(client));
      if (pooled) return void client.end().catch(() => undefined);
      // PostgreSQL may not know yet that the connection which held it is gone: the next tick tries again.
      const { rows } = await client.query<{ held: boolean }>("select pg_try_advisory_lock($1, $2) as held", [
        WORKER_LOCK_CLASS,
        Number(workerId),
      ]);
      if (rows[0]?.held === true) watch = { workerId, client };
      else void client.end().catch(() => undefined);
    } catch {
      void client.end().catch(() => undefined);
    }
  }

  async function dropLock(): Promise<void> {
    const held = watch;
    watch = null;
    await held?.client.end().catch(() => undefined);
  }

  return {
    async register(name, ttlMs) {
      // It has lost its lease and lives to tell: what was taken from it was not lost under it.
      if (last !== null) await db.call(RETIRE, [last]);
      const [row] = await db.call<{ worker_id: string; now_ms: number }>(REGISTER, [name, ttlMs]);
      if (row === undefined) throw new Error("PostgreSQL registered no worker");
      last = row.worker_id;
      await takeLock(row.worker_id);
      return { workerId: row.worker_id, nowAt: row.now_ms };
    },
    async tick(workerId, ttlMs) {
      if (watch?.workerId !== workerId) void takeLock(workerId);
      const watched = watch?.workerId === workerId;
      const [row] = await db.call<{ now_ms: number; leases: OwnedLease[] }>(
        TICK,
        [workerId, ttlMs, watched, JSON.stringify(options.stats())],
        TICK_TIMEOUT_MS,
      );
      return row === undefined
        ? { alive: false, nowAt: Date.now(), owned: [] }
        : { alive: true, nowAt: row.now_ms, owned: row.leases };
    },
    async retire(workerId) {
      await db.call(RETIRE, [workerId]);
      await dropLock();
    },
    close: dropLock,
  };
}
