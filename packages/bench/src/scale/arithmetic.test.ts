import { describe, expect, it } from "vitest";
import { againAfterMs, limitOf, placesCarry, rateWithin, repeatedWithoutCause, type Load } from "./arithmetic.ts";

const load: Load = {
  perSecond: 19,
  workers: 1,
  concurrency: 4,
  delayMs: 200,
  cpuShare: 0.2,
  cpuPostgres: 0.1,
  connections: 40,
  maxConnections: 200,
};

it("counts what was done within the time alone, a second", () => {
  expect(rateWithin([0, 999, 1_000, 1_500, 2_999, 3_000], 1_000, 3_000)).toBe(1.5);
});

it("knows what the places carry at the most: each is held as long as the target takes", () => {
  expect(placesCarry({ ...load, workers: 8 })).toBe(160);
});

describe("the limit", () => {
  it.each([
    ["is the places while they are nearly always held", {}, "places"],
    ["is the machine's CPU once nine tenths of it are used", { cpuShare: 0.93 }, "CPU"],
    ["is the connections once they are nearly all taken", { connections: 185, cpuShare: 0.95 }, "connections"],
    ["is none seen where all three have room", { perSecond: 10 }, "none seen"],
    ["is judged by the places alone where CPU is unknown", { cpuShare: null }, "places"],
  ] as const)("%s", (_, change, limit) => {
    expect(limitOf({ ...load, ...change })).toBe(limit);
  });
});

describe("a key that came again", () => {
  const killedAtMs = 10_000;
  it("has its cause in the kill if it came first in the answer's time before", () => {
    const repeats = [
      { key: "a", at: [9_900, 11_200] },
      { key: "b", at: [10_020, 11_900] },
    ];
    expect(repeatedWithoutCause(repeats, killedAtMs, 200)).toEqual([]);
    expect(againAfterMs(repeats, killedAtMs)).toEqual([1_200, 1_900]);
  });
  it("has none if it came first long before or after, or if it came a third time", () => {
    const repeats = [
      { key: "early", at: [9_000, 11_000] },
      { key: "late", at: [10_500, 11_000] },
      { key: "thrice", at: [9_950, 11_000, 11_500] },
    ];
    expect(repeatedWithoutCause(repeats, killedAtMs, 200)).toEqual(repeats);
  });
  it("is none, and nothing is waited for, where each came once", () => {
    expect(repeatedWithoutCause([], killedAtMs, 200)).toEqual([]);
    expect(againAfterMs([], killedAtMs)).toEqual([]);
  });
});
