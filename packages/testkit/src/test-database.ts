import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { testAdminUrl, testTemplateDatabase } from "./services.ts";

export interface TestDatabase {
  /** Connects to this database as the server's admin, who may make roles. */
  readonly adminUrl: string;
  readonly name: string;
  /** The same database for another login. */
  readonly urlFor: (user: string, password: string) => string;
  /** Ends its connections and removes it. */
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
    drop: () => asAdmin(`drop database if exists "${name}" with (force)`),
  };
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
