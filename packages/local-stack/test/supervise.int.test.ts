import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { superviseService, type Service, type ServiceSpec } from "../src/index.ts";

let folder: string;
let log: string[];
let service: Service | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "keelson-supervise-"));
  log = [];
});

afterEach(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function supervise(script: string, rest: Partial<ServiceSpec> = {}): Promise<Service> {
  service = await superviseService({
    name: "part-0",
    command: process.execPath,
    args: ["-e", script],
    env: { PATH: process.env["PATH"] },
    pidFile: join(folder, "run", "part-0.pid"),
    logFile: join(folder, "log", "part-0.log"),
    log: (line) => log.push(line),
    ...rest,
  });
  return service;
}

async function filedPid(): Promise<number> {
  return Number(await readFile(join(folder, "run", "part-0.pid"), "utf8"));
}

const FOREVER = "console.log('up'); setInterval(() => {}, 1000)";
const logText = (): Promise<string> => readFile(join(folder, "log", "part-0.log"), "utf8");

it("starts a killed process again, says so, and keeps the pid file current", async () => {
  const part = await supervise(FOREVER);
  const first = part.pid();
  expect(await filedPid()).toBe(first);
  part.kill("SIGKILL");
  await vi.waitFor(async () => {
    expect(part.pid()).not.toBeNull();
    expect(part.pid()).not.toBe(first);
    expect(await filedPid()).toBe(part.pid());
  }, 5_000);
  expect(log).toEqual(["part-0 died (SIGKILL), starting it again"]);
});

it("does not start again what it was asked to stop, and removes its pid file", async () => {
  const part = await supervise(FOREVER);
  await part.stop();
  expect(part.pid()).toBeNull();
  await expect(filedPid()).rejects.toThrow("ENOENT");
  expect(log).toEqual([]);
  await part.start();
  expect(await filedPid()).toBe(part.pid());
});

it("kills a process that ignores the stop signal once its grace time is over", async () => {
  const part = await supervise(`process.on("SIGTERM", () => {}); ${FOREVER}`, { graceMs: 100 });
  await vi.waitFor(async () => expect(await logText()).toContain("up"), 5_000);
  await part.stop();
  expect(log).toEqual(["part-0 did not end in time, killing it"]);
});

it("counts deaths in a row and stops at once while it waits to start again", async () => {
  const part = await supervise("process.exit(3)");
  await vi.waitFor(() => expect(part.quickDeaths()).toBeGreaterThanOrEqual(2), 5_000);
  await part.stop();
  expect(log[0]).toBe("part-0 died (exit code 3), starting it again");
  expect(part.pid()).toBeNull();
});

it("says that a command does not exist instead of failing with it", async () => {
  await supervise(FOREVER, { command: join(folder, "no-such-command"), restart: false });
  await vi.waitFor(() => expect(log[0]).toContain("ENOENT"), 5_000);
});
