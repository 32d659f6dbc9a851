import { describe, expect, it } from "vitest";
import { type CapacityFacts, assessCapacity } from "./assess-capacity.ts";

const worker = (used: number, loopLagMs = 2) => ({ slots: 64, used, loopLagMs });
const IDLE: CapacityFacts = {
  arrivalPerSecond: 0,
  servicePerSecond: 0,
  ready: 0,
  oldestReadyAgeSeconds: null,
  held: 0,
  tenantsFull: 0,
  workers: [worker(0)],
};
const OVERLOADED: CapacityFacts = {
  ...IDLE,
  arrivalPerSecond: 150,
  servicePerSecond: 100,
  ready: 6_000,
  oldestReadyAgeSeconds: 40,
  workers: [worker(64), worker(64)],
};

interface Case {
  readonly name: string;
  readonly facts: CapacityFacts;
  readonly binds: string;
  readonly workersNeeded: number | null;
  readonly drainSeconds: number | null;
}

describe("assessCapacity for an age of 30 s", () => {
  it.each<Case>([
    { name: "an idle engine", facts: IDLE, binds: "nothing", workersNeeded: 1, drainSeconds: 0 },
    {
      // 2 workers end 20/s with a quarter of their slots: 40/s each. 20 / (40 × 0.8) is less than one.
      name: "an engine that keeps up",
      facts: { ...IDLE, arrivalPerSecond: 20, servicePerSecond: 20, workers: [worker(16), worker(16)] },
      binds: "nothing",
      workersNeeded: 1,
      drainSeconds: 0,
    },
    {
      // 50/s each. (150 + 6000 / 30) / (50 × 0.8) = 8.75
      name: "full workers and a growing backlog",
      facts: OVERLOADED,
      binds: "workers",
      workersNeeded: 9,
      drainSeconds: null,
    },
    {
      // 100/s against 60/s that arrive: 40/s are gained. (60 + 200) / 40 = 6.5
      name: "full workers that gain on their backlog",
      facts: { ...OVERLOADED, arrivalPerSecond: 60 },
      binds: "workers",
      workersNeeded: 7,
      drainSeconds: 150,
    },
    {
      name: "workers without time, although they have slots",
      facts: { ...OVERLOADED, workers: [worker(10, 900), worker(10, 900)] },
      binds: "workers",
      workersNeeded: 9,
      drainSeconds: null,
    },
    {
      // Ten times as much were possible by the slots, and yet work waits.
      name: "workers with room and a growing backlog",
      facts: { ...OVERLOADED, workers: [worker(6), worker(7)] },
      binds: "database",
      workersNeeded: null,
      drainSeconds: null,
    },
    {
      name: "work that is only just ready",
      facts: {
        ...OVERLOADED,
        ready: 3,
        oldestReadyAgeSeconds: 0.4,
        arrivalPerSecond: 10,
        workers: [worker(6), worker(7)],
      },
      binds: "nothing",
      workersNeeded: 1,
      drainSeconds: 0.003,
    },
    {
      name: "work held by a pause",
      facts: { ...IDLE, held: 12 },
      binds: "limit",
      workersNeeded: 1,
      drainSeconds: 0,
    },
    {
      name: "a tenant at its limit",
      facts: { ...IDLE, tenantsFull: 1 },
      binds: "limit",
      workersNeeded: 1,
      drainSeconds: 0,
    },
    {
      name: "a pause beside an overload, which is worse",
      facts: { ...OVERLOADED, held: 12 },
      binds: "workers",
      workersNeeded: 9,
      drainSeconds: null,
    },
    {
      name: "no worker, and work",
      facts: { ...OVERLOADED, servicePerSecond: 0, workers: [] },
      binds: "workers",
      workersNeeded: null,
      drainSeconds: null,
    },
    {
      name: "no worker, and no work",
      facts: { ...IDLE, workers: [] },
      binds: "nothing",
      workersNeeded: 1,
      drainSeconds: 0,
    },
    {
      name: "a fresh start, of which nothing is known yet",
      facts: { ...IDLE, arrivalPerSecond: 2, ready: 4, oldestReadyAgeSeconds: 0.1, workers: [worker(4)] },
      binds: "nothing",
      workersNeeded: null,
      drainSeconds: null,
    },
  ])("$name: $binds", ({ facts, binds, workersNeeded, drainSeconds }) => {
    const capacity = assessCapacity(facts, { maxAgeSeconds: 30 });
    expect({ ...capacity, binds: capacity.binds.what }).toMatchObject({ binds, workersNeeded, drainSeconds });
  });
});

it("asks for more workers the less what is ready may age", () => {
  const needed = [600, 60, 30, 10, 1].map(
    (maxAgeSeconds) => assessCapacity(OVERLOADED, { maxAgeSeconds }).workersNeeded,
  );
  expect(needed).toEqual([4, 7, 9, 19, 154]);
});

it("finds late by the age asked for, where that is less than five seconds", () => {
  const facts = { ...OVERLOADED, oldestReadyAgeSeconds: 3 };
  expect(assessCapacity(facts, { maxAgeSeconds: 30 }).binds.what).toBe("nothing");
  expect(assessCapacity(facts, { maxAgeSeconds: 2 }).binds.what).toBe("workers");
});

it("says in words and values what decided, and what to do", () => {
  const { binds } = assessCapacity(OVERLOADED, { maxAgeSeconds: 30 });
  expect(binds.text).toBe(
    "6000 executions are ready, the oldest for 40 s, and the workers are full: 128 of 128 slots in use, event loops 2 ms late. Start more workers, or give them more slots if their event loops keep up.",
  );
  expect(binds.values).toMatchObject({ ready: 6_000, oldestReadyAgeSeconds: 40, slots: 128, used: 128 });
});
