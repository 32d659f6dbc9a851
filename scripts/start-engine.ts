// The whole engine as `npm start` and `npm run demo` run it.
import { access, constants, mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DataDirInUseError, startStack, type DatabaseUrls, type Stack, type StackOptions } from "@keelson/local-stack";
import type { StackEnv } from "./env.ts";
import { createDatabasePreparation } from "./prepare-database.ts";
import { explain, type Report } from "./report.ts";

/** A launcher before us may still be draining its services. */
const WAIT_FOR_DATA_DIR_MS = 10_000;
const POLL_MS = 250;

export async function startEngine(options: {
  readonly env: StackEnv;
  readonly dataDir: string;
  readonly egressAllow: string;
  readonly ports: NonNullable<StackOptions["ports"]>;
  /** Default: one of each, and the environment's WORKERS. */
  readonly counts?: StackOptions["counts"];
  /** Changes how the services reach the database that was prepared. */
  readonly through?: (urls: DatabaseUrls) => Promise<DatabaseUrls>;
  /** Of the embedded PostgreSQL. */
  readonly postgresSettings?: StackOptions["postgresSettings"];
  /** What the services' environment holds beside this process's own. */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  readonly report: Report;
  readonly signal: AbortSignal;
}): Promise<Stack> {
  const { env, dataDir, report, signal } = options;
  await checkWritable(dataDir);
  const prepare = preparation(env, dataDir);
  return onceFree(report, signal, () =>
    startStack({
      dataDir,
      counts: options.counts ?? { worker: env.WORKERS },
      ports: { ...options.ports, postgres: env.POSTGRES_PORT, redis: env.REDIS_PORT },
      prepareDatabase: async (adminUrl) => {
        const urls = await prepare(adminUrl);
        return options.through === undefined ? urls : options.through(urls);
      },
      databaseAdminUrl: env.DATABASE_ADMIN_URL,
      redisUrl: env.REDIS_URL,
      bindAddress: env.BIND_ADDRESS,
      publicIngressUrl: env.KEELSON_PUBLIC_INGRESS_URL,
      adminToken: env.KEELSON_ADMIN_TOKEN,
      masterKey: env.KEELSON_MASTER_KEY,
      postgresSettings: options.postgresSettings,
      env: { ...process.env, ...options.serviceEnv, KEELSON_EGRESS_ALLOW: options.egressAllow },
      signal,
      stage: report.stage,
      log: report.line,
    }),
  );
}

async function checkWritable(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
    await access(dataDir, constants.W_OK);
  } catch (cause) {
    const who = `user ${process.getuid?.() ?? ""}`;
    throw new Error(`${dataDir} is not writable by ${who}. Set KEELSON_DATA_DIR to a folder that is.`, { cause });
  }
}

/** What goes wrong with a database of one's own is told with the variable that named it. */
function preparation(env: StackEnv, dataDir: string): StackOptions["prepareDatabase"] {
  const prepare = createDatabasePreparation(dataDir);
  if (env.DATABASE_ADMIN_URL === undefined) return prepare;
  return (adminUrl) =>
    prepare(adminUrl).catch((cause: unknown) => {
      throw new Error(`The database of DATABASE_ADMIN_URL could not be set up: ${explain(cause)}`, { cause });
    });
}

async function onceFree(report: Report, signal: AbortSignal, start: () => Promise<Stack>): Promise<Stack> {
  const deadlineMs = performance.now() + WAIT_FOR_DATA_DIR_MS;
  for (let said = false; ;) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof DataDirInUseError) || performance.now() > deadlineMs) throw error;
      if (!said) report.line(`process ${error.pid} still has the data folder, waiting up to 10 s for it to end`);
      said = true;
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}
