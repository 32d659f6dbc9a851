import { beforeEach, describe, expect, it, vi } from "vitest";
import { createPgClock } from "./pg-clock.ts";

/** PostgreSQL's clock shows `PG` when this process has run for 0 ms. */
const PG = Date.UTC(2026, 0, 1);
let atMs = 0;
beforeEach(() => {
  atMs = 0;
});

function clockAt(offsetMs = 0) {
  const clock = createPgClock(
    () => "id",
    () => atMs,
  );
  /** An answer that took so long, of which PostgreSQL's part was the first. */
  const tick = (tookMs: number, offset: number, toPgMs = tookMs / 2) => {
    const sentMs = atMs;
    atMs += tookMs;
    clock.calibrate(PG + sentMs + toPgMs + offset, sentMs, atMs);
  };
  tick(2, offsetMs);
  return { clock, tick, shown: () => clock.nowAt() - PG };
}

describe("the estimate of PostgreSQL's time", () => {
  it("is the first answer's, however far the host's clock lies from it", () => {
    vi.setSystemTime(PG + 3_600_000);
    const { shown } = clockAt();
    vi.useRealTimers();
    expect(shown()).toBe(atMs);
  });

  it.each([
    { way: "back", toPgMs: 400 },
    { way: "there", toPgMs: 0 },
  ])("is not moved by an answer that was long on its way $way", ({ toPgMs }) => {
    const { tick, shown } = clockAt();
    tick(400, 0, toPgMs);
    expect(Math.abs(shown() - atMs)).toBeLessThanOrEqual(1);
  });

  it("never goes back, and is right again after twice the time that it was ahead", () => {
    const { tick, shown } = clockAt(130);
    const before = shown();
    tick(0, 0);
    expect(shown()).toBe(before);
    let last = before;
    for (let step = 0; step < 260; step++) {
      atMs += 1;
      expect(shown()).toBeGreaterThanOrEqual(last);
      last = shown();
    }
    expect(shown()).toBe(atMs);
    expect(shown()).toBeGreaterThan(before);
  });

  it("stays behind nothing that it said, through many corrections both ways", () => {
    const { tick, shown } = clockAt();
    let last = shown();
    for (let round = 0; round < 400; round++) {
      if (round % 3 === 0) tick(round % 7, (round * 37) % 200);
      else atMs += 5;
      expect(shown()).toBeGreaterThanOrEqual(last);
      last = shown();
    }
  });

  it("goes forward at once", () => {
    const { tick, shown } = clockAt();
    tick(0, 500);
    expect(shown()).toBe(atMs + 500);
  });

  it("follows a clock that was set back by more than seconds", () => {
    const { tick, shown } = clockAt(3_600_000);
    tick(0, 0);
    expect(shown()).toBe(atMs);
  });
});
