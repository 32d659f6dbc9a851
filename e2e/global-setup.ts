// Starts what the integration and end-to-end tests run against: PostgreSQL and Redis, or those that DATABASE_ADMIN_URL
// and REDIS_URL name, and in PostgreSQL a migrated database that tests clone. Both projects ask for it; the second one
// gets what the first one started. For the end-to-end tests, whose engines have a PostgreSQL each, also a migrated cluster
// that lies in a folder, for them to copy (support/prepared-cluster.ts).

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { migrateDatabase } from "@keelson/db";
import { keptSecret, startPostgres, startThrowawayServices } from "@keelson/local-stack";
import { PREPARED_CLUSTER } from "./support/prepared-cluster.ts";
import { failOnLeaks, type Leak, scanFolder, scanRedis, watchRedis } from "@keelson/testkit";

interface Shared {
  readonly adminUrl: string;
  readonly redisUrl: string;
  readonly templateDatabase: string;
  readonly dataDir: string;
  readonly stop: () => Promise<void>;
}

const run = globalThis as { keelsonShared?: { services: Promise<Shared>; users: number } };

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (run.keelsonShared ??= { services: start(), users: 0 });
  shared.users += 1;
  const { adminUrl, redisUrl, templateDatabase, dataDir, stop } = await shared.services;
  project.provide("adminUrl", adminUrl);
  project.provide("redisUrl", redisUrl);
  project.provide("templateDatabase", templateDatabase);
  if (project.name === "e2e") process.env[PREPARED_CLUSTER] = await prepareCluster(join(dataDir, "prepared"));
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    delete run.keelsonShared;
    await stop();
  };
}

async function start(): Promise<Shared> {
  const services = await startThrowawayServices({
    databaseAdminUrl: process.env["DATABASE_ADMIN_URL"],
    redisUrl: process.env["REDIS_URL"],
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  try {
    const templateDatabase = await createTemplate(services.adminUrl);
    const watch = await watchRedis(services.redisUrl);
    const { dataDir } = services;
    const stop = async (): Promise<void> => {
      const leaks = [...watch.leaks(), ...(await scanRedis(services.redisUrl))];
      watch.stop();
      await execute(services.adminUrl, `drop database if exists "${templateDatabase}" with (force)`);
      // What tests' databases held was searched as each was dropped; here, once more, with all that was deleted before.
      leaks.push(...(await scanFolder(dataDir, ["secrets"])));
      await services.stop();
      report(leaks);
    };
    return { adminUrl: services.adminUrl, redisUrl: services.redisUrl, templateDatabase, dataDir, stop };
  } catch (error) {
    await services.stop();
    throw error;
  }
}

async function createTemplate(adminUrl: string): Promise<string> {
  const name = `keelson_template_${randomBytes(6).toString("hex")}`;
  await execute(adminUrl, `create database "${name}" template template0`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  await migrateDatabase({ adminUrl: url.href });
  return name;
}

/** As `startStack` would make it, with the schema in it; stopped. */
async function prepareCluster(dataDir: string): Promise<string> {
  const postgres = await startPostgres({
    dataDir,
    user: "keelson",
    password: await keptSecret(join(dataDir, "secrets", "postgres-password"), "base64url"),
    log: () => undefined,
  });
  try {
    await migrateDatabase({ adminUrl: postgres.adminUrl });
  } finally {
    await postgres.stop();
  }
  return dataDir;
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Vitest tells of what is thrown here, and goes on. */
function report(leaks: readonly Leak[]): void {
  if (leaks.length > 0) process.exitCode = 1;
  failOnLeaks(leaks);
}
