// Time is virtual: it goes on by what an evaluation says it takes. Turns of the event loop are real.
import { describe, expect, it } from "vitest";
import { createTurns } from "./turns.ts";

function createWorld() {
  let nowMs = 0;
  let timers: { readonly atMs: number; readonly call: () => void }[] = [];
  const began: string[] = [];
  const turns = createTurns({
    monotonicMs: () => nowMs,
    after(delayMs, call) {
      const timer = { atMs: nowMs + delayMs, call };
      timers.push(timer);
      return () => void (timers = timers.filter((one) => one !== timer));
    },
  });
  return {
    turns,
    began,
    /** An evaluation that takes so long. */
    run: (tenantId: string, tookMs: number) =>
      turns.run(tenantId, () => {
        began.push(tenantId);
        nowMs += tookMs;
      }),
    /** Lets the event loop turn; then time goes on. */
    async pass(ms: number, loops = 1) {
      for (let n = 0; n < loops; n += 1) await new Promise((resolve) => setImmediate(resolve));
      nowMs += ms;
      const due = timers.filter(({ atMs }) => atMs <= nowMs);
      timers = timers.filter(({ atMs }) => atMs > nowMs);
      for (const { call } of due) call();
    },
  };
}

describe("evaluations", () => {
  it("begin at once while there is time, and yield their value or their error", async () => {
    const { turns } = createWorld();
    expect(await turns.run("a", () => 7)).toBe(7);
    expect(await turns.run("a", () => Promise.resolve(8))).toBe(8);
    await expect(turns.run("a", () => Promise.reject(new Error("late")))).rejects.toThrow("late");
    const thrown = turns.run("a", () => {
      throw new Error("mine");
    });
    await expect(thrown).rejects.toThrow("mine");
    expect(turns.waiting).toBe(0);
  });

  it("of many sessions leave the event loop its time: ten ms of them, then everything else", async () => {
    const { run, began, turns, pass } = createWorld();
    const all = Promise.all(Array.from({ length: 200 }, (_, n) => run(`tenant ${n % 3}`, 1)));
    const perTurn: number[] = [];
    for (let seen = 0; seen < 200; seen = began.length) {
      await pass(0);
      perTurn.push(began.length - seen);
    }
    await all;
    expect(Math.max(...perTurn)).toBeLessThanOrEqual(20);
    expect(turns.waiting).toBe(0);
  });

  it("of one session that follow one another leave it as well", async () => {
    const { run, began, pass } = createWorld();
    const chain = (async () => {
      for (let n = 0; n < 100; n += 1) await run("a", 1);
    })();
    await pass(0);
    expect(began.length).toBeLessThanOrEqual(20);
    for (let n = 0; n < 20; n += 1) await pass(0);
    await chain;
  });

  it("go in turns by tenant, however many one of them waits for", async () => {
    const { run, began, pass } = createWorld();
    const greedy = Array.from({ length: 100 }, () => run("greedy", 9));
    const modest = [run("modest", 1), run("other", 1)];
    await pass(0, 200);
    await Promise.all(modest);
    expect(Math.max(began.indexOf("modest"), began.indexOf("other"))).toBeLessThanOrEqual(5);
    await Promise.all(greedy);
  });
});

describe("a tenant with long evaluations", () => {
  it("rests as long as each took, whoever's they were, and others need not wait meanwhile", async () => {
    const { run, began, turns, pass } = createWorld();
    const slow = ["x", "y", "x", "y"].map((tenant) => run(tenant, 100));
    // Each of them has its first one before it is known for it.
    await pass(0, 4);
    expect(began).toEqual(["x", "y"]);
    await run("quick", 1);
    await pass(90);
    await pass(0);
    expect(began).toEqual(["x", "y", "quick"]);
    await pass(10);
    await pass(0, 4);
    expect(began).toEqual(["x", "y", "quick", "x"]);
    await pass(100);
    await pass(0, 4);
    await Promise.all(slow);
    expect(turns.waiting).toBe(0);
  });

  it("is not known for them for ever", async () => {
    const { run, began, pass } = createWorld();
    await run("x", 100);
    await pass(6_000);
    await run("y", 100);
    await pass(0, 2);
    await run("x", 1);
    expect(began).toEqual(["x", "y", "x"]);
  });

  it("does not wait for ever for those who are quick", async () => {
    const { run, began, pass } = createWorld();
    const slow = [run("slow", 50), run("slow", 50)];
    const quick: Promise<void>[] = [];
    for (let n = 0; n < 20; n += 1) {
      quick.push(...Array.from({ length: 20 }, (_, tenant) => run(`quick ${tenant}`, 2)));
      await pass(0);
    }
    expect(began.filter((tenant) => tenant === "slow")).toHaveLength(2);
    await pass(0, 200);
    await Promise.all([...slow, ...quick]);
  });
});
