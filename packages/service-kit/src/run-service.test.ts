// Real processes: what a supervisor sees of a service's start and stop.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";

const FIXTURE = fileURLToPath(new URL("../test/slow-service.ts", import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe("runService", () => {
  it.each(["SIGTERM", "SIGINT"] as const)("on %s is unready first, drains, closes, and exits 0", async (signal) => {
    const service = await up("plain");
    service.child.kill(signal);
    expect(await service.exitCode).toBe(0);
    expect(service.lines()).toEqual(["up", "not ready", "draining", "drained", "closed"]);
  });

  it("exits 1 on a second signal, without waiting for the drain", async () => {
    const service = await up("stuck", 600_000);
    service.child.kill("SIGTERM");
    await service.saying("draining");
    service.child.kill("SIGTERM");
    expect(await service.exitCode).toBe(1);
  });

  it("exits 1 when the grace time is over and something still holds", async () => {
    const service = await up("stuck", 300);
    service.child.kill("SIGTERM");
    expect(await service.exitCode).toBe(1);
    expect(service.output()).toContain("service.stop_timed_out");
  });

  it("tells the drain to let go before the grace time is over, and still exits 0", async () => {
    const service = await up("lets-go", 3_100);
    service.child.kill("SIGTERM");
    expect(await service.exitCode).toBe(0);
    expect(service.lines()).toContain("closed");
  });

  it("closes also after a drain that failed, and exits 1", async () => {
    const service = await up("drain-fails");
    service.child.kill("SIGTERM");
    expect(await service.exitCode).toBe(1);
    expect(service.lines()).toContain("closed");
    expect(service.output()).toContain("drain failed");
  });

  it.each(["rejects", "throws"])("logs what nobody caught and exits 1 (%s)", async (mode) => {
    const service = start(mode);
    expect(await service.exitCode).toBe(1);
    expect(service.output()).toContain("service.crashed");
    expect(service.output()).toContain("nobody caught this");
  });

  it("exits 1 with the reason when it cannot start", async () => {
    const service = start("fails-to-start");
    expect(await service.exitCode).toBe(1);
    expect(service.output()).toContain("no database");
  });

  it("stops when its parent's channel closes", async () => {
    const service = await up("plain", 5_000, true);
    service.child.disconnect();
    expect(await service.exitCode).toBe(0);
    expect(service.lines()).toContain("closed");
  });

  it("drains to the end although the reader of its output is gone", async () => {
    const service = await up("chatty");
    service.child.stdout?.destroy();
    service.child.kill("SIGTERM");
    expect(await service.exitCode).toBe(0);
  });
});

async function up(mode: string, graceMs = 5_000, withChannel = false) {
  const service = start(mode, graceMs, withChannel);
  await service.saying("up");
  return service;
}

function start(mode: string, graceMs = 5_000, withChannel = false) {
  const stdio = withChannel ? (["ignore", "pipe", "pipe", "ipc"] as const) : (["ignore", "pipe", "pipe"] as const);
  const child = spawn(process.execPath, [FIXTURE, mode, String(graceMs)], { stdio: [...stdio] });
  children.push(child);
  let output = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exitCode = once(child, "exit").then(([code]: unknown[]) => code);
  const lines = () => output.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
  return {
    child,
    exitCode,
    output: () => output,
    lines,
    saying: async (line: string) => {
      while (!lines().includes(line)) await once(child.stdout!, "data");
    },
  };
}
