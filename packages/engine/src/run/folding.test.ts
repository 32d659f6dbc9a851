// What one commit carries stays small, however much an execution's steps yield; what is left over is not lost.
import { describe, expect, it } from "vitest";
import { http, transform } from "../core/testing/steps.ts";
import { World } from "./testing/world.ts";

const MIB = 1024 * 1024;
const LARGE = "x".repeat(700_000);
const ids = Array.from({ length: 12 }, (_, n) => `s${n}`);
const outputs = Object.fromEntries(ids.map((id) => [id, LARGE]));

describe("an execution whose steps yield much", () => {
  it("commits in between, and every step once", async () => {
    const world = new World(
      ids.map((id) => transform(id)),
      { outputs, document: { output: 1 } },
    );
    expect(await world.session.run()).toBe("ended");
    expect(world.row.status).toBe("succeeded");
    const sizes = world.commits.map((item) => JSON.stringify(item.steps).length);
    expect(sizes.length).toBeGreaterThanOrEqual(6);
    expect(Math.max(...sizes)).toBeLessThan(2 * MIB);
    const succeeded = world.commits.flatMap(({ events }) => events.filter(({ type }) => type === "step.succeeded"));
    const stepIds = succeeded.map((event) => (event as { stepId?: string }).stepId);
    expect(new Set(stepIds)).toEqual(new Set(ids));
    expect(stepIds).toHaveLength(ids.length);
  });

  it("begins its effects meanwhile, and ends when they do", async () => {
    const world = new World([http("call"), ...ids.map((id) => transform(id))], { outputs, document: { output: 1 } });
    const end = world.session.run();
    await expect.poll(() => world.journal.includes("begin call")).toBe(true);
    world.end("call");
    expect(await end).toBe("ended");
    expect(world.row.status).toBe("succeeded");
  });

  it("goes on from the commit before where PostgreSQL refuses one, and loses no step (T9)", async () => {
    const world = new World(
      ids.map((id) => transform(id)),
      { outputs, document: { output: 1 } },
    );
    let refused = 0;
    world.refuses = (item) => item.steps.some(({ output }) => output.kind === "value") && (refused += 1) === 2;
    expect(await world.session.run()).toBe("ended");
    const last = new Map(world.commits.flatMap(({ steps }) => steps.map((step) => [step.id, step.status])));
    expect([...last.keys()].sort()).toEqual([...ids].sort());
    expect([...last.values()].filter((status) => status === "failed").length).toBeGreaterThan(0);
    expect([...last.values()].every((status) => ["succeeded", "failed", "cancelled"].includes(status))).toBe(true);
  });

  it("is left as it was committed by a session that is dropped, for whoever claims it next", async () => {
    const world = new World(
      ids.map((id) => transform(id)),
      { outputs, document: { output: 1 } },
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const end = world.session.run();
    await new Promise((turn) => setImmediate(turn));
    world.session.drop();
    resolve();
    expect(await end).toBe("dropped");
    expect(world.commits).toHaveLength(1);
    const [first] = world.commits;
    expect(first?.steps.some((step) => step.status === "running" && step.sentAt === null)).toBe(true);
    expect(first?.release).toBe(false);
  });
});
