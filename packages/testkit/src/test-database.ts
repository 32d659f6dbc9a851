import { randomBytes } from "node:crypto";
import { Client, DatabaseError } from "pg";
import { scanDatabase } from "./leak-scan.ts";
import { failOnLeaks, type Leak } from "./leak-search.ts";
import { testAdminUrl, testTemplateDatabase } from "./services.ts";

const NO_SUCH_DATABASE = "3D000";

export interface TestDatabase {
  /** Connects to this database as the server's admin, who may make roles. */
  readonly adminUrl: string;
  readonly name: string;
  /** The same database for another login. */
  readonly urlFor: (user: string, password: string) => string;
  /** Ends its connections and removes it; rejects where a test's secret stands in one of its rows (I8). */
  readonly drop: () => Promise<void>;
}

/** A database of the test's own: a clone of the migrated template, or an empty one with `{ empty: true }`. */
export async function createTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const name = `keelson_test_${randomBytes(8).toString("hex")}`;
  const template = options.empty === true ? "template0" : testTemplateDatabase();
  if (template === "") throw new Error("No template database: the store exports no `migrateDatabase`.");
  await asAdmin(`create database "${name}" template "${template}"`);
  const adminUrl = urlOf(name);
  return {
    adminUrl,
    name,
    urlFor: (user, password) => urlOf(name, user, password),
    async drop() {
      const leaks = await scanUnlessGone(adminUrl);
      await asAdmin(`drop database if exists "${name}" with (force)`);
      failOnLeaks(leaks);
    },
  };
}

/** A test may have dropped it itself. */
async function scanUnlessGone(adminUrl: string): Promise<Leak[]> {
  try {
    return await scanDatabase(adminUrl);
  } catch (error) {
    if (error instanceof DatabaseError && error.code === NO_SUCH_DATABASE) return [];
    throw error;
  }
}

function urlOf(database: string, user?: string, password?: string): string {
  const url = new URL(testAdminUrl());
  url.pathname = `/${database}`;
  if (user !== undefined) url.username = user;
  if (password !== undefined) url.password = password;
  return url.href;
}

async function asAdmin(statement: string): Promise<void> {
  const client = new Client({ connectionString: testAdminUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
