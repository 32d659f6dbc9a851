// A PostgreSQL of this machine's own, from the npm packages: one cluster in `<dataDir>/postgres`, reachable over
// 127.0.0.1 with a password. Its state survives restarts, and a SIGKILL of it or of whoever started it.

import { execFile } from "node:child_process";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import type { Log } from "./log.ts";
import { logTail } from "./log-tail.ts";
import { isPortFree, keptPort, PortTakenError } from "./ports.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { clearStaleLock, runningServer } from "./postgres-lock.ts";
import { stopProcess } from "./stop-process.ts";
import { superviseService, type Service } from "./supervise.ts";
import { chooseLauncher, type Launcher, type Owner } from "./unprivileged.ts";

const run = promisify(execFile);
const READY_WITHIN_MS = 60_000;
const POLL_MS = 50;
const QUICK_DEATHS_LIMIT = 4;

export interface PostgresOptions {
  /** Holds `postgres/`, `run/`, `log/` and `postgres.port`; made if need be. */
  readonly dataDir: string;
  /** Left out or 0, the one of the last time is taken, or a free one. */
  readonly port?: number | undefined;
  readonly user: string;
  readonly password: string;
  /** Server settings, as in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  readonly log: Log;
}

export interface Postgres {
  readonly port: number;
  /** Of the superuser, database `postgres`. */
  readonly adminUrl: string;
  readonly service: Service;
  /** Fast shutdown: open transactions are rolled back, the data is safe. */
  readonly stop: () => Promise<void>;
}

/** Starts PostgreSQL and resolves when it answers a query. A server left over from a former run is stopped first. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const clusterDir = join(options.dataDir, "postgres");
  const pidFile = join(options.dataDir, "run", "postgres-0.pid");
  const logFile = join(options.dataDir, "log", "postgres-0.log");
  await mkdir(options.dataDir, { recursive: true });
  const leftover = await runningServer(clusterDir);
  if (leftover !== null) await stopProcess(leftover, { signal: "SIGINT", graceMs: 20_000 });
  const port = await choosePort(options);
  const launcher = await chooseLauncher(await postgresBinaries(), clusterDir);
  await ensureCluster(clusterDir, launcher, options);
  const settings = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    ...options.settings,
  };
  const args = ["-D", clusterDir, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
  const service = await superviseService({
    name: "postgres-0",
    ...launcher.launch(launcher.binaries.postgres, args),
    env: serverEnv(),
    pidFile,
    logFile,
    log: options.log,
    stopSignal: "SIGINT",
    beforeStart: () => clearStaleLock(clusterDir),
  });
  const stop = async (): Promise<void> => {
    await service.stop();
    await launcher.dispose();
  };
  const url = new URL(`postgresql://127.0.0.1:${port}/postgres`);
  url.username = options.user;
  url.password = options.password;
  try {
    await untilAnswering(url.href, service);
  } catch (error) {
    await stop();
    throw error;
  }
  return { port, adminUrl: url.href, service, stop };
}

async function choosePort(options: PostgresOptions): Promise<number> {
  if (options.port === undefined || options.port === 0) return keptPort(join(options.dataDir, "postgres.port"));
  if (!(await isPortFree(options.port))) throw new PortTakenError(options.port, "POSTGRES_PORT");
  return options.port;
}

/** Makes the cluster beside its place and moves it there when it is whole, so that a cut-off first start leaves none. */
async function ensureCluster(clusterDir: string, launcher: Launcher, options: PostgresOptions): Promise<void> {
  const exists = await stat(join(clusterDir, "PG_VERSION")).catch(() => null);
  if (exists !== null) return own(clusterDir, launcher.owner);
  const fresh = `${clusterDir}.new`;
  const passwordFile = `${clusterDir}.password`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  await own(fresh, launcher.owner);
  await own(passwordFile, launcher.owner);
  const { command, args, ...user } = launcher.launch(launcher.binaries.initdb, [
    `--pgdata=${fresh}`,
    `--username=${options.user}`,
    `--pwfile=${passwordFile}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
  ]);
  try {
    await run(command, [...args], { ...user, env: serverEnv() });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(fresh, clusterDir);
}

/** Hands files over where they belong to another user than the server runs as (the folder was moved, or root's way changed). */
async function own(path: string, owner: Owner | null): Promise<void> {
  if (owner === null) return;
  const { uid } = await stat(path);
  if (uid !== owner.uid) await run("chown", ["-R", `${owner.uid}:${owner.gid}`, path]);
}

/** A server must not inherit PG* settings meant for clients. */
function serverEnv(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };
}

async function untilAnswering(url: string, service: Service): Promise<void> {
  const deadlineAt = Date.now() + READY_WITHIN_MS;
  for (;;) {
    try {
      const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
      client.on("error", () => {});
      await client.connect();
      await client.query("select 1");
      await client.end();
      return;
    } catch (cause) {
      if (service.quickDeaths() >= QUICK_DEATHS_LIMIT || Date.now() > deadlineAt) {
        throw new Error(`PostgreSQL does not answer. Its log ends:\n${await logTail(service.logFile)}`, { cause });
      }
      await sleep(POLL_MS);
    }
  }
}
