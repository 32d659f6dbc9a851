// Which database an operator's command is about, with the login of the api: `DATABASE_URL`, else that of `npm start`.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { AuditEnv } from "../env.ts";
import { appLoginOf } from "../prepare-database.ts";

export interface NamedDatabase {
  readonly url: string;
  /** What said so, for messages. */
  readonly named: string;
}

/** Throws where nothing says which database is meant. */
export async function databaseOf(env: AuditEnv): Promise<NamedDatabase> {
  if (env.DATABASE_URL !== undefined) return { url: env.DATABASE_URL, named: "DATABASE_URL" };
  const dataDir = env.KEELSON_DATA_DIR ?? resolve(".keelson");
  const login = await appLoginOf(dataDir);
  if (login === null) {
    throw new Error(
      `No engine has been set up in ${dataDir}. Set DATABASE_URL to what the api has, or KEELSON_DATA_DIR to the folder of npm start.`,
    );
  }
  const url = new URL(env.DATABASE_ADMIN_URL ?? (await embeddedUrl(dataDir, env.POSTGRES_PORT)));
  url.username = login.name;
  url.password = login.password;
  const where = env.DATABASE_ADMIN_URL === undefined ? "" : " on the server of DATABASE_ADMIN_URL";
  return { url: url.href, named: `the login of ${dataDir}${where}` };
}

async function embeddedUrl(dataDir: string, port: number): Promise<string> {
  const kept = port === 0 ? Number(await readFile(join(dataDir, "postgres.port"), "utf8").catch(() => "")) : port;
  if (Number.isInteger(kept) && kept > 0) return `postgresql://127.0.0.1:${kept}/postgres`;
  throw new Error(`The port of the PostgreSQL in ${dataDir} is not known: set POSTGRES_PORT as npm start had it.`);
}
