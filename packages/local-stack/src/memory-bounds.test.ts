import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { memoryBounds } from "./memory-bounds.ts";

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
    expect(heapLimitMib(memoryBounds().NODE_OPTIONS)).toBeGreaterThanOrEqual(320);
    expect(heapLimitMib(memoryBounds().NODE_OPTIONS)).toBeLessThan(400);
  });

  it("has what NODE_OPTIONS says beside it, and of the same flags what NODE_OPTIONS says", () => {
    const given = memoryBounds({ NODE_OPTIONS: "--cpu-prof --max-old-space-size=1000", MALLOC_ARENA_MAX: "8" });
    expect(given).toEqual({
      NODE_OPTIONS: `${memoryBounds().NODE_OPTIONS} --cpu-prof --max-old-space-size=1000`,
      MALLOC_ARENA_MAX: "8",
    });
    expect(heapLimitMib(memoryBounds({ NODE_OPTIONS: "--max-old-space-size=1000" }).NODE_OPTIONS)).toBeGreaterThan(999);
    expect(memoryBounds({ NODE_OPTIONS: "" })).toEqual(memoryBounds());
  });
});
