import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { FAIL_POINTS, failPoint, onFailPoint } from "@keelson/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ChosenFailPoint, envFailPoint, standAtFailPoint } from "./fail-points.ts";

afterEach(() => {
  onFailPoint(() => undefined);
});

describe("KEELSON_FAIL_POINT", () => {
  it("names a point, and at which time of reaching it", () => {
    expect(envFailPoint().parse("worker.commit.answered")).toEqual({ point: "worker.commit.answered", time: 1 });
    expect(envFailPoint().parse("sweep.lost.freed@12")).toEqual({ point: "sweep.lost.freed", time: 12 });
  });

  it.each(["worker.commit", "worker.commit.answered@0", "worker.commit.answered@x", "toString", "@2"])(
    "is told which there are where it is %s",
    (text) => {
      const refusal = envFailPoint().safeParse(text).error?.issues[0]?.message;
      for (const name of Object.keys(FAIL_POINTS)) expect(refusal).toContain(name);
    },
  );
});

describe("a process", () => {
  const watched = (chosen: ChosenFailPoint | undefined) => {
    const told: string[] = [];
    const log = {
      warn: (_: object, message: string) => void told.push(message),
      fatal: (_: object, message: string) => void told.push(message),
    };
    standAtFailPoint(chosen, log, () => told.push("stands"));
    return told;
  };

  it("that was told of no fail point passes all of them", () => {
    const told = watched(undefined);
    for (const point of ["worker.claim.answered", "sweep.due.found"] as const) failPoint(point);
    expect(told).toEqual([]);
  });

  it("stands at its own alone, at the time that was asked for, and says so before", () => {
    const told = watched({ point: "worker.claim.answered", time: 2 });
    for (const point of ["worker.claim.answered", "sweep.due.found", "sweep.due.found"] as const) failPoint(point);
    expect(told).toEqual(["fail_point.set"]);
    for (const _ of [2, 3, 4]) failPoint("worker.claim.answered");
    expect(told).toEqual(["fail_point.set", "fail_point.reached", "stands"]);
  });

  it("that stands still does nothing more, not even at SIGTERM, until it is killed", async () => {
    const child = run({ NODE_ENV: "test", KEELSON_FAIL_POINT: "worker.commit.answered@2" });
    const lines = linesOf(child);
    const ended = once(child, "exit");
    await vi.waitFor(() => expect(lines()).toContain("fail_point.reached"), { timeout: 30_000 });
    child.kill("SIGTERM");
    child.kill("SIGKILL");
    expect(await ended).toEqual([null, "SIGKILL"]);
    expect(lines()).toEqual(["fail_point.set", "passed", "fail_point.reached"]);
  });

  it("does not start with one in production", async () => {
    const child = run({ NODE_ENV: "production", KEELSON_FAIL_POINT: "worker.commit.answered" });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(said).toContain("  KEELSON_FAIL_POINT: makes the process stand still, for tests alone");
  });
});

function run(env: NodeJS.ProcessEnv): ChildProcess {
  const script = fileURLToPath(new URL("../test/stand-at-fail-point.ts", import.meta.url));
  return spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "pipe"] });
}

/** The messages that it has logged so far. */
function linesOf(child: ChildProcess): () => string[] {
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  return () => [...text.matchAll(/"msg":"([\w.]+)"/g)].map(([, message = ""]) => message);
}
