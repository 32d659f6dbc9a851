import { expect, it } from "vitest";
import type { KeyVerdict } from "./key-directory.ts";
import { createQueuedLookUps } from "./queued-look-ups.ts";

const verdictOf = (key: string): KeyVerdict => ({
  kind: "refused",
  reason: key.startsWith("old") ? "expired" : "unknown",
});

it("answers each key for itself, however many come together, with few statements", async () => {
  const batches: number[] = [];
  const lookUp = createQueuedLookUps(async (keys) => {
    batches.push(keys.length);
    return keys.map(verdictOf);
  });
  const keys = Array.from({ length: 2_500 }, (_, n) => `${n % 2 === 0 ? "old" : "odd"}-${n}`);
  expect(await Promise.all(keys.map(lookUp))).toEqual(keys.map(verdictOf));
  expect(batches).toEqual([1_000, 1_000, 500]);
});

it("goes on after a statement that failed, which fails those that were in it alone", async () => {
  let working = false;
  const lookUp = createQueuedLookUps(async (keys) => {
    if (!working) throw new Error("no database");
    return keys.map(verdictOf);
  });
  const both = await Promise.allSettled([lookUp("a"), lookUp("b")]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  working = true;
  expect(await lookUp("old")).toEqual(verdictOf("old"));
});
