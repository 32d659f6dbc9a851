import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startPostgres, startRedis, type Postgres } from "../src/index.ts";

let dataDir: string;
const log: string[] = [];

beforeAll(async () => {
  // As mkdtemp makes it: nobody but the owner may enter, not even the user that PostgreSQL runs as under root.
  dataDir = await mkdtemp(join(tmpdir(), "keelson-servers-"));
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

async function start(): Promise<Postgres> {
  return startPostgres({ dataDir, user: "keelson", password: "p w/1", log: (line) => log.push(line) });
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<{ value: unknown }>(text)).rows.map(({ value }) => value);
  } finally {
    await client.end();
  }
}

it("keeps data and port over a stop, a SIGKILL, and a lock file whose pid is some other program's by now", async () => {
  const first = await start();
  await query(first.adminUrl, "create table t as select 1 as value");
  const pid = first.service.pid();
  first.service.kill("SIGKILL");
  await vi.waitFor(async () => {
    expect(first.service.pid()).not.toBe(pid);
    expect(await query(first.adminUrl, "insert into t values (2) returning value")).toEqual([2]);
  }, 30_000);
  expect(log).toEqual(["postgres-0 died (SIGKILL), starting it again"]);
  await first.stop();

  await writeFile(join(dataDir, "postgres", "postmaster.pid"), `${process.pid}\n`);
  const second = await start();
  expect(second.port).toBe(first.port);
  expect(await query(second.adminUrl, "select value from t order by value")).toEqual([1, 2]);
  await second.stop();
});

it("lets nobody in without the password", async () => {
  const postgres = await start();
  const url = new URL(postgres.adminUrl);
  url.password = "wrong";
  await expect(query(url.href, "select 1 as value")).rejects.toThrow("password authentication failed");
  await postgres.stop();
});

it("keeps Redis on its port, and its pid file current", async () => {
  const redis = await startRedis({ dataDir, log: () => {} });
  expect(Number(readFileSync(join(dataDir, "run", "redis-0.pid"), "utf8"))).toBe(redis.service.pid());
  await redis.stop();
  const again = await startRedis({ dataDir, log: () => {} });
  expect(again.port).toBe(redis.port);
  await again.stop();
});
