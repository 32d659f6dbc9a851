// Brings the schema up to date: plain SQL in folders laid out, applied and written down as Prisma does it.
// Safe to repeat and to run twice at once; a migration is applied whole or not at all.
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { createGroupRoles } from "./roles.ts";

const MIGRATIONS = join(import.meta.dirname, "../../migrations");
/** Of the advisory lock under which one set-up at a time migrates; "keel" in ASCII. */
const LOCK_KEY = 0x6b65656c;

const GROUND = `
  create schema if not exists keelson authorization keelson_owner;
  set local role keelson_owner;
  create table if not exists keelson._prisma_migrations (
    id varchar(36) primary key,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count int not null default 0
  );
  reset role;`;

export interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

/**
 * Makes the roles and applies what is missing, as a role that may create roles and schemas.
 * Answers with the names applied. Throws where a migration applied before is not what it was.
 */
export async function migrateDatabase(options: {
  readonly adminUrl: string;
  readonly log?: (line: string) => void;
}): Promise<string[]> {
  const client = new Client({ connectionString: options.adminUrl, application_name: "keelson-migrate" });
  await client.connect();
  try {
    await client.query("select pg_advisory_lock($1)", [LOCK_KEY]);
    await inTransaction(client, async () => {
      await createGroupRoles(client);
      await client.query(GROUND);
    });
    const applied: string[] = [];
    const known = await appliedMigrations(client);
    for (const migration of await readMigrations()) {
      const checksum = known.get(migration.name);
      if (checksum === migration.checksum) continue;
      if (checksum !== undefined) throw new Error(`Migration ${migration.name} was changed after it had been applied`);
      await inTransaction(client, () => apply(client, migration));
      options.log?.(`applied ${migration.name}`);
      applied.push(migration.name);
    }
    return applied;
  } finally {
    await client.end();
  }
}

/** The migrations of this release, in order. */
export async function readMigrations(): Promise<Migration[]> {
  const folders = (await readdir(MIGRATIONS, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const names = folders.map((entry) => entry.name).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(join(MIGRATIONS, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function appliedMigrations(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string }>(
    "select migration_name, checksum from keelson._prisma_migrations where finished_at is not null and rolled_back_at is null",
  );
  return new Map(rows.map((row) => [row.migration_name, row.checksum]));
}

async function apply(client: Client, migration: Migration): Promise<void> {
  await client.query("set local role keelson_owner");
  await client.query("set local search_path = keelson, pg_temp");
  await client.query(migration.sql);
  await client.query("set local role keelson_owner");
  await client.query(
    `insert into keelson._prisma_migrations (id, checksum, finished_at, migration_name, applied_steps_count)
     values ($1, $2, now(), $3, 1)`,
    [randomUUID(), migration.checksum, migration.name],
  );
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query("begin");
  try {
    await work();
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}
