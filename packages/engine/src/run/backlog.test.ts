import { describe, expect, it } from "vitest";
import { createBacklog } from "./backlog.ts";
import type { ExecutionRef } from "./ports.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function createWorld(due: (limit: number) => Promise<string[]>) {
  const world = { asked: [] as number[], offered: [] as string[], failed: 0, room: 4 };
  const backlog = createBacklog({
    store: {
      due: async (tenantId, limit): Promise<ExecutionRef[]> => {
        world.asked.push(limit);
        return (await due(limit)).map((executionId) => ({ tenantId, executionId }));
      },
    },
    roomFor: () => world.room,
    offer: ({ executionId }) => void world.offered.push(executionId),
    onError: () => void (world.failed += 1),
  });
  return { world, backlog };
}

describe("a backlog", () => {
  it("asks for as much as there is room for, until there is no more", async () => {
    const rows = ["a", "b", "c", "d", "e"];
    const { world, backlog } = createWorld((limit) => Promise.resolve(rows.splice(0, limit)));
    backlog.refill("t");
    expect(world.asked).toEqual([]);
    expect(backlog.has("t")).toBe(false);
    backlog.note("t");
    expect(backlog.has("t")).toBe(true);
    backlog.refill("t");
    await turn();
    expect(backlog.has("t")).toBe(true);
    for (let n = 0; n < 3; n += 1) {
      backlog.refill("t");
      await turn();
    }
    expect(world.asked).toEqual([4, 4]);
    expect(backlog.has("t")).toBe(false);
    expect(world.offered).toEqual(["a", "b", "c", "d", "e"]);
  });

  it("asks once at a time, and not while there is no room", async () => {
    const gate = Promise.withResolvers<string[]>();
    const { world, backlog } = createWorld(() => gate.promise);
    world.room = 0;
    backlog.note("t");
    backlog.refillAll();
    expect(world.asked).toEqual([]);
    world.room = 2;
    backlog.refillAll();
    backlog.note("t");
    backlog.refillAll();
    expect(world.asked).toEqual([2]);
    gate.resolve([]);
    await turn();
    // Noted meanwhile: what was let go by then may have come after the answer.
    backlog.refillAll();
    await turn();
    expect(world.asked).toEqual([2, 2]);
  });

  it("remembers a tenant whose question failed", async () => {
    let away = true;
    const { world, backlog } = createWorld(() => (away ? Promise.reject(new Error("away")) : Promise.resolve(["a"])));
    backlog.note("t");
    backlog.refillAll();
    await turn();
    expect([world.failed, world.offered]).toEqual([1, []]);
    away = false;
    backlog.refillAll();
    await turn();
    expect(world.offered).toEqual(["a"]);
  });
});
