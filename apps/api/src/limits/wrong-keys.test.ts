import { expect, it } from "vitest";
import { createWrongKeys } from "./wrong-keys.ts";

function wrongKeysOf(bounds: { ofAddress: number; ofAll: number }) {
  const clock = { nowMs: 0 };
  return { clock, wrong: createWrongKeys(() => clock.nowMs, bounds) };
}

it("counts each address by itself, for a minute from its first wrong key", () => {
  const { clock, wrong } = wrongKeysOf({ ofAddress: 2, ofAll: 100 });
  expect([wrong.count("a"), wrong.count("a")]).toEqual([null, null]);
  clock.nowMs += 20_000;
  expect(wrong.count("a")).toBe(40_000);
  expect(wrong.count("b")).toBeNull();
  expect([wrong.exceeded("a"), wrong.exceeded("b")]).toEqual([true, false]);
  clock.nowMs += 40_000;
  expect(wrong.exceeded("a")).toBe(false);
  expect(wrong.count("a")).toBeNull();
});

it("lets look-ups wait where many addresses share the guessing, and refuses none of them for it", () => {
  const { clock, wrong } = wrongKeysOf({ ofAddress: 2, ofAll: 5 });
  for (let n = 0; n < 5; n++) expect(wrong.count(`address ${n}`)).toBeNull();
  expect(wrong.exceeded("another")).toBe(true);
  expect(wrong.count("another")).toBeNull();
  clock.nowMs += 60_000;
  expect(wrong.exceeded("another")).toBe(false);
});
