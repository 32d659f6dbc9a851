import { describe, expect, it } from "vitest";
import { beginIncarnation, LEASE_MARGIN_MS } from "./incarnation.ts";
import { after } from "./pg-clock.ts";
import type { TickAnswer } from "./ports.ts";

const TTL_MS = 15_000;

/** PostgreSQL takes `answerMs` of this clock to answer a tick. */
async function begin(ttlMs = TTL_MS) {
  const world = { nowMs: 0, answerMs: 0, alive: true, away: false, told: [] as number[] };
  const incarnation = await beginIncarnation(
    {
      leases: {
        register: () => Promise.resolve({ workerId: "worker", nowAt: 7_000 }),
        retire: () => Promise.resolve(),
        tick: (): Promise<TickAnswer> => {
          world.nowMs += world.answerMs;
          if (world.away) return Promise.reject(new Error("away"));
          return Promise.resolve({ alive: world.alive, nowAt: 0, owned: [] });
        },
      },
      clock: { monotonicMs: () => world.nowMs, nowAt: () => 0, random: () => 0, newId: () => "", after },
      calibrate: (nowAt) => void world.told.push(nowAt),
    },
    "worker-0",
    ttlMs,
  );
  return { incarnation, world };
}

describe("an incarnation", () => {
  it("begins with PostgreSQL's time: what it claims before its first renewal goes by no clock of its own", async () => {
    const { world } = await begin();
    expect(world.told).toEqual([7_000]);
  });

  it("stops a margin before its lease can expire, and lives on with each renewal", async () => {
    const { incarnation, world } = await begin();
    world.nowMs = TTL_MS - LEASE_MARGIN_MS - 1;
    expect(incarnation.isLive()).toBe(true);
    world.nowMs += 1;
    expect(incarnation.isLive()).toBe(false);
    await incarnation.tick();
    expect(incarnation.isLive()).toBe(true);
  });

  it("counts from before the renewal was sent, not from its answer", async () => {
    const { incarnation, world } = await begin();
    world.answerMs = 5000;
    await incarnation.tick();
    world.nowMs = TTL_MS - LEASE_MARGIN_MS;
    expect(incarnation.isLive()).toBe(false);
  });

  it("is not renewed by a tick that failed", async () => {
    const { incarnation, world } = await begin();
    world.nowMs = 10_000;
    world.away = true;
    await expect(incarnation.tick()).rejects.toThrow("away");
    world.nowMs = TTL_MS - LEASE_MARGIN_MS;
    expect(incarnation.isLive()).toBe(false);
  });

  it("never returns once PostgreSQL has declared it dead", async () => {
    const { incarnation, world } = await begin();
    world.alive = false;
    expect(await incarnation.tick()).toBeNull();
    expect(incarnation.isLive()).toBe(false);
    world.alive = true;
    await incarnation.tick();
    expect(incarnation.isLive()).toBe(false);
  });

  it("tells the time of none but a living tick: another has not heard it of PostgreSQL", async () => {
    const { incarnation, world } = await begin();
    await incarnation.tick();
    world.alive = false;
    await incarnation.tick();
    expect(world.told).toEqual([7_000, 0]);
  });

  it("leaves a short lease two thirds of its time", async () => {
    const { incarnation, world } = await begin(3000);
    world.nowMs = 1999;
    expect(incarnation.isLive()).toBe(true);
    world.nowMs = 2000;
    expect(incarnation.isLive()).toBe(false);
  });
});
