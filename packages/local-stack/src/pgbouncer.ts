// PgBouncer in transaction mode between services and PostgreSQL: Debian's package, started as docs/scaling.md says.
import { execFile } from "node:child_process";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import type { Log } from "./log.ts";
import { freePort } from "./ports.ts";
import { superviseService } from "./supervise.ts";
import { unprivilegedUser } from "./unprivileged.ts";

const run = promisify(execFile);
/** Where Debian has it; not in everybody's PATH. */
const PATH = [process.env["PATH"] ?? "", "/usr/sbin"].join(delimiter);

export interface PgBouncer {
  /** As in `PgBouncer 1.18.0`. */
  readonly version: string;
  /** The same login by way of it. */
  readonly through: (url: string) => string;
  /** What it was started with. */
  readonly ini: string;
  readonly pid: () => number | null;
  readonly stop: () => Promise<void>;
}

export interface PgBouncerOptions {
  /** Of one login each, all to the same database. */
  readonly urls: readonly string[];
  /** Connections to PostgreSQL of each login at the most. */
  readonly poolSize: number;
  readonly logFile: string;
  readonly pidFile: string;
  readonly log: Log;
}

/** The version's first line; null where it is not installed. */
export async function pgBouncerVersion(): Promise<string | null> {
  return run("pgbouncer", ["--version"], { env: { PATH } }).then(
    ({ stdout }) => stdout.split("\n")[0] ?? "",
    () => null,
  );
}

/** Throws where it is not installed. It refuses root: root starts it as another user. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const version = await pgBouncerVersion();
  if (version === null) throw new Error("There is no pgbouncer here; on Debian: apt-get install pgbouncer");
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "keelson-pgbouncer-"));
  const [iniFile, usersFile] = [join(folder, "pgbouncer.ini"), join(folder, "users.txt")];
  const ini = iniOf(options, port, usersFile);
  await writeFile(iniFile, ini, { mode: 0o600 });
  await writeFile(usersFile, options.urls.map(userLine).join(""), { mode: 0o600 });
  const owner = process.getuid?.() === 0 ? await unprivilegedUser() : null;
  if (owner !== null) for (const path of [folder, iniFile, usersFile]) await chown(path, owner.uid, owner.gid);
  const service = await superviseService({
    name: "pgbouncer-0",
    command: "pgbouncer",
    args: [iniFile],
    env: { PATH },
    cwd: "/",
    ...(owner === null ? {} : owner),
    pidFile: options.pidFile,
    logFile: options.logFile,
    log: options.log,
    // At once: what it serves has ended by then.
    graceMs: 5_000,
  });
  return {
    version,
    ini,
    through: (url) => Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href,
    pid: service.pid,
    async stop() {
      await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function iniOf({ urls: [first = ""], poolSize }: PgBouncerOptions, port: number, usersFile: string): string {
  const { hostname, port: server, pathname } = new URL(first);
  const name = pathname.slice(1);
  return `[databases]
${name} = host=${hostname} port=${server} dbname=${name} connect_query='set statement_timeout = 15000; set idle_in_transaction_session_timeout = 15000'

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${usersFile}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 1000
ignore_startup_parameters = statement_timeout, idle_in_transaction_session_timeout
`;
}

function userLine(url: string): string {
  const { username, password } = new URL(url);
  const quoted = (text: string): string => `"${decodeURIComponent(text).replaceAll('"', '""')}"`;
  return `${quoted(username)} ${quoted(password)}\n`;
}
