import { describe, expect, it } from "vitest";
import { LIMITS, type Json } from "@keelson/contracts";
import { makeStorable } from "./storable.ts";

const nested = (levels: number): Json => Array.from({ length: levels }).reduce<Json>((inner) => [inner], 0);

describe("what may be stored", () => {
  it("is left as it is, the very same value, where there is nothing to clean", () => {
    const value = { text: "käse 🧀", n: 1.5, list: [null, true], "": {} };
    expect(makeStorable(value)).toEqual({ ok: true, value });
    const kept = makeStorable(value);
    expect(kept.ok && kept.value === value).toBe(true);
  });

  it("has NUL and lone surrogates replaced, in keys as well, and whole pairs kept", () => {
    const value = { "k\u0000": ["a\u0000b", "\ud800", "x\udc00y", "🧀"] };
    expect(makeStorable(value)).toEqual({ ok: true, value: { "k\uFFFD": ["a\uFFFDb", "\uFFFD", "x\uFFFDy", "🧀"] } });
  });

  it("is not changed for text that only looks like an escape", () => {
    expect(makeStorable("\\u0000 \\ud800")).toEqual({ ok: true, value: "\\u0000 \\ud800" });
  });

  it("keeps a key named __proto__ an ordinary key", () => {
    const kept = makeStorable(JSON.parse('{"__proto__":"a\\u0000"}') as Json);
    expect(kept.ok && JSON.stringify(kept.value)).toBe('{"__proto__":"a\uFFFD"}');
  });

  it("is nested no deeper than the limit", () => {
    expect(makeStorable(nested(LIMITS.jsonDepth)).ok).toBe(true);
    expect(makeStorable(nested(LIMITS.jsonDepth + 1)).ok).toBe(false);
  });

  it("is refused, not overflowed, where it is nested very deeply", () => {
    expect(makeStorable(nested(200_000)).ok).toBe(false);
  });

  it("has no more bytes of UTF-8 than the limit, quotes included", () => {
    expect(makeStorable("a".repeat(8), 10).ok).toBe(true);
    expect(makeStorable("a".repeat(9), 10).ok).toBe(false);
    expect(makeStorable("ää", 6).ok).toBe(true);
    expect(makeStorable("äää", 6).ok).toBe(false);
  });
});
