import { describe, expect, it } from "vitest";
import { storableText } from "@keelson/engine";
import { isDeeperThan, storableJson } from "./storable.ts";

describe("storableText and storableJson", () => {
  it("replaces NUL and lone surrogates, and keeps pairs", () => {
    expect(storableText("a\0b\ud800c\udc00d😀")).toBe("a\uFFFDb\uFFFDc\uFFFDd😀");
  });

  it("cleans keys and values at any depth, and numbers that JSON cannot hold", () => {
    const value = JSON.parse('{"k\\u0000":[{"v":"\\ud800"},1e400,-0]}');
    expect(JSON.stringify(storableJson(value))).toBe('{"k\uFFFD":[{"v":"\uFFFD"},null,0]}');
    expect(Object.is((storableJson([-0]) as number[])[0], 0)).toBe(true);
  });

  it("keeps an own __proto__ as a property and reaches no prototype", () => {
    const value = storableJson(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":true}}');
    expect(Reflect.get(value as object, "polluted")).toBeUndefined();
  });
});

describe("isDeeperThan", () => {
  it.each([
    ["[[[]]]", 3, false],
    ["[[[]]]", 2, true],
    ['{"a":{"b":[]}}', 2, true],
    ["[[],[],[]]", 2, false],
    ['["[[[[","\\"[[[["]', 1, false],
    ["[".repeat(1_000_000), 128, true],
  ])("tells for %.40j and %i: %s", (text, depth, expected) => {
    expect(isDeeperThan(text, depth)).toBe(expected);
  });
});
