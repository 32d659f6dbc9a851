import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, inject, it, vi } from "vitest";
import { DataDirInUseError, freePort, startStack, type Stack, type StackOptions } from "../src/index.ts";
import { isRunning } from "../src/process-identity.ts";

const script = join(import.meta.dirname, "fixtures", "small-service.ts");
let dataDir: string;
let log: string[];
let stack: Stack | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "keelson-stack-"));
  log = [];
});

afterEach(async () => {
  await stack?.stop();
  stack = undefined;
  await rm(dataDir, { recursive: true, force: true });
});

async function start(rest: Partial<StackOptions> = {}): Promise<Stack> {
  stack = await startStack({
    dataDir,
    databaseAdminUrl: inject("adminUrl"),
    redisUrl: inject("redisUrl"),
    scriptOf: () => script,
    prepareDatabase: async () => ({ app: "pg://app", worker: "pg://worker", dispatcher: "pg://dispatcher" }),
    log: (line) => log.push(line),
    ...rest,
  });
  return stack;
}

async function environmentOf(url: string): Promise<Record<string, string>> {
  return (await (await fetch(url)).json()) as Record<string, string>;
}

it("gives each process its own port, its role's login and the shared secrets, and never the owner's login", async () => {
  const { urls, instances, adminToken } = await start({
    counts: { worker: 2 },
    env: { LOG_LEVEL: "warn", DATABASE_ADMIN_URL: "pg://owner" },
  });
  const api = await environmentOf(urls.api);
  const ingress = await environmentOf(urls.ingress);
  const scheduler = await environmentOf(urls.scheduler);
  const workers = await Promise.all(instances.worker.map(({ url }) => environmentOf(url)));
  expect([api, ingress, scheduler, ...workers].map(({ DATABASE_URL }) => DATABASE_URL)).toEqual([
    "pg://app",
    "pg://app",
    "pg://dispatcher",
    "pg://worker",
    "pg://worker",
  ]);
  expect(api).toMatchObject({
    KEELSON_ADMIN_TOKEN: adminToken,
    KEELSON_DATA_DIR: dataDir,
    KEELSON_PUBLIC_INGRESS_URL: urls.ingress,
    LOG_LEVEL: "warn",
  });
  expect(Buffer.from(api["KEELSON_MASTER_KEY"] ?? "", "base64")).toHaveLength(32);
  expect(api).not.toHaveProperty("DATABASE_ADMIN_URL");
  expect(new Set(workers.map(({ WORKER_PORT }) => WORKER_PORT)).size).toBe(2);
});

it("keeps its secrets over a restart, in files that only their owner may read", async () => {
  const first = await start();
  await first.stop();
  const second = await start();
  expect(second.adminToken).toBe(first.adminToken);
  expect(second.masterKey).toBe(first.masterKey);
  for (const name of await readdir(join(dataDir, "secrets"))) {
    expect((await stat(join(dataDir, "secrets", name))).mode & 0o077).toBe(0);
  }
});

it("has a pid file for every process, current again after one was killed", async () => {
  const running = await start({ counts: { worker: 2 } });
  const before = running.pids();
  running.kill("worker", 1);
  await vi.waitFor(async () => {
    const filed = Number(await readFile(join(dataDir, "run", "worker-1.pid"), "utf8"));
    expect(filed).not.toBe(before.worker[1]);
    expect(running.pids().worker).toEqual([before.worker[0], filed]);
  }, 5_000);
  expect(log).toEqual(["worker-1 died (SIGKILL), starting it again"]);
});

it("refuses a data folder that another launcher has", async () => {
  await start();
  await expect(start()).rejects.toThrow(DataDirInUseError);
});

it("stops everything and shows the end of the log when a service does not get ready", async () => {
  await expect(start({ env: { BROKEN: "yes" } })).rejects.toThrow("MASTER_OF_NOTHING is not set");
  expect((await readdir(join(dataDir, "run"))).filter((name) => name.endsWith(".pid"))).toEqual([]);
  await start();
});

it("names the variable of a port that is taken", async () => {
  const port = await freePort();
  await start({ ports: { api: port } });
  const other = join(dataDir, "other");
  await expect(start({ dataDir: other, ports: { api: port } })).rejects.toThrow(`Port ${port} is taken. Set API_PORT`);
  await expect(start({ dataDir: other, ports: { api: port + 1, ingress: port + 1 } })).rejects.toThrow("API_PORT");
});

it("stops what a killed launcher left behind, and starts anew in its folder", async () => {
  const launcher = spawn(
    process.execPath,
    [join(import.meta.dirname, "fixtures", "launcher.ts"), dataDir, inject("adminUrl"), inject("redisUrl")],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = (await once(createInterface(launcher.stdout), "line")) as [string];
  const left = Object.values(JSON.parse(line) as Record<string, number[]>).flat();
  launcher.kill("SIGKILL");
  await once(launcher, "exit");
  expect(await Promise.all(left.map(isRunning))).toEqual([true, true, true, true]);
  await start();
  expect(await Promise.all(left.map(isRunning))).toEqual([false, false, false, false]);
  expect(log).toEqual(["stopped 4 services that a former run left behind"]);
});
