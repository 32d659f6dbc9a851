// The one-shot as a container runs it: a process, its settings from files, its exit code.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase, readMigrations } from "@keelson/db";
import { createTestDatabase, type TestDatabase } from "@keelson/testkit";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";

const suffix = randomBytes(4).toString("hex");
const KINDS = ["app", "worker", "dispatcher"] as const;
const SETTING = {
  app: "APP_DATABASE_URL_FILE",
  worker: "WORKER_DATABASE_URL_FILE",
  dispatcher: "DISPATCHER_DATABASE_URL_FILE",
};

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-migrate-"));
  database = await createTestDatabase({ empty: true });
});
afterAll(async () => {
  await database.drop();
  // The server's own database: the test's is gone.
  const url = new URL(database.adminUrl);
  url.pathname = "/postgres";
  const admin = new Client({ connectionString: url.href });
  await admin.connect();
  for (const kind of KINDS) await admin.query(`drop role if exists ${loginOf(kind)}`);
  await admin.end();
  await rm(folder, { recursive: true });
});

const loginOf = (kind: string): string => `keelson_${kind}_login_${suffix}`;
const urlOf = (kind: string, password: string): string => database.urlFor(loginOf(kind), password);

/** Runs it with a login of each kind, all with this password. */
async function migrate(password: string, more: Record<string, string> = {}) {
  const env: Record<string, string> = { DATABASE_ADMIN_URL: database.adminUrl };
  for (const kind of KINDS) {
    env[SETTING[kind]] = join(folder, kind);
    await writeFile(join(folder, kind), `${urlOf(kind, password)}\n`);
  }
  const main = join(import.meta.dirname, "../src/main.ts");
  return spawnSync(process.execPath, [main], { env: { ...env, ...more }, encoding: "utf8" });
}

async function openAs(kind: (typeof KINDS)[number], password: string): Promise<void> {
  const db = openDatabase({
    url: urlOf(kind, password),
    applicationName: "test",
    maxConnections: 1,
    onIdleError: () => undefined,
  });
  try {
    await db.assertRestricted(`keelson_${kind}`);
    await db.assertMigrated();
  } finally {
    await db.close();
  }
}

it(
  "brings an empty database to this release, with logins that the services accept, and may be repeated",
  { timeout: 120_000 },
  async () => {
    const first = await migrate("first");
    expect(first).toMatchObject({ status: 0, stderr: "" });
    expect(first.stdout).toContain(`"applied":${(await readMigrations()).length}`);
    for (const kind of KINDS) await openAs(kind, "first");
    const second = await migrate("second @ pass:word/");
    expect(second.status).toBe(0);
    expect(second.stdout).toContain(`"applied":0`);
    for (const kind of KINDS) await openAs(kind, "second @ pass:word/");
    await expect(openAs("app", "first")).rejects.toThrow("password authentication failed");
    expect(first.stdout + second.stdout).not.toMatch(/first|second/);
  },
);

it("refuses to make a service's login of the admin's", async () => {
  const admin = await migrate("x", { [SETTING.worker]: "", WORKER_DATABASE_URL: database.adminUrl });
  expect(admin).toMatchObject({ status: 1, stdout: "" });
  expect(admin.stderr).toContain("two of the URLs name the same user");
});

it("says what is wrong and exits 1 where the database cannot be reached", async () => {
  const away = await migrate("x", { DATABASE_ADMIN_URL: "postgresql://u:s3cret@127.0.0.1:1/d" });
  expect(away.status).toBe(1);
  expect(away.stdout).toContain("migrate.failed");
  expect(away.stdout + away.stderr).not.toContain("s3cret");
});
