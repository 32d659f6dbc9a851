import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { nodeOptions } from "./node-flags.ts";

const MIB = 1024 * 1024;

/** What V8 makes of them: the most that the heap may take, in MiB. */
function heapLimitMib(options: string): number {
  const limit = "process.stdout.write(String(v8.getHeapStatistics().heap_size_limit))";
  const told = execFileSync(process.execPath, ["-e", limit], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: options },
  });
  return Number(told) / MIB;
}

describe("a service's Node", () => {
  it("has a heap that leaves a container of 512 MiB room for buffers, code and stacks", () => {
    expect(heapLimitMib(nodeOptions())).toBeGreaterThanOrEqual(320);
    expect(heapLimitMib(nodeOptions())).toBeLessThan(400);
  });

  it("has what NODE_OPTIONS says beside it, and of the same flags what NODE_OPTIONS says", () => {
    expect(nodeOptions("--cpu-prof")).toMatch(/--max-old-space-size=\d+ .*--cpu-prof$/);
    expect(heapLimitMib(nodeOptions("--max-old-space-size=1000"))).toBeGreaterThanOrEqual(1000);
    expect(nodeOptions("")).toBe(nodeOptions());
  });
});
