import type * as Crypto from "node:crypto";
import { createHmac, timingSafeEqual } from "node:crypto";
import { expect, it, vi } from "vitest";
import { matchesHmac, utf8Keys } from "./digest.ts";

// Files share their modules: what has imported the real one is read anew.
vi.hoisted(() => vi.resetModules());
vi.mock("node:crypto", async (original) => {
  const real = await original<typeof Crypto>();
  return { ...real, timingSafeEqual: vi.fn<typeof real.timingSafeEqual>(real.timingSafeEqual) };
});

it.each([0, 1, 2])("compares each signature under each secret in constant time, though the one at %d fits", (place) => {
  const keys = utf8Keys(["first", "second"]);
  const right = createHmac("sha256", "first").update("body").digest("hex");
  const candidates = ["0", "1", "2"].map((digit, index) => (index === place ? right : digit.repeat(64)));
  vi.mocked(timingSafeEqual).mockClear();
  expect(matchesHmac({ keys, content: ["body"], encoding: "hex", candidates })).toBe(true);
  expect(timingSafeEqual).toHaveBeenCalledTimes(6);
  expect(matchesHmac({ keys, content: ["Body"], encoding: "hex", candidates })).toBe(false);
});
