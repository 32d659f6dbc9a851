import { describe, expect, it } from "vitest";
import { closest, createSuggester } from "./closest.ts";

describe("closest", () => {
  it.each([
    ["maxAtempts", ["maxAttempts", "maxDelay"], "maxAttempts"],
    ["dependson", ["dependsOn", "config"], "dependsOn"],
    ["chrage", ["change", "charge"], "charge"],
    ["z", ["a", "b"], "a"],
    ["zz", ["ab"], null],
    ["shipping", ["charge", "notify"], null],
    ["x".repeat(100), ["x".repeat(99)], null],
    ["a", [], null],
  ])("of %j in %j is %j", (name, candidates, expected) => {
    expect(closest(name, candidates)).toBe(expected);
  });
});

describe("a suggester", () => {
  it("tires after a hundred names", () => {
    const suggest = createSuggester();
    const answers = Array.from({ length: 101 }, () => suggest("chrage", ["charge"]));
    expect(answers.filter((answer) => answer !== "").length).toBe(100);
  });
});
