import { describe, expect, it } from "vitest";
import { parseOptions } from "./options.ts";

it("measures everything in three rounds, over a million executions of history, unless told otherwise", () => {
  expect(parseOptions([])).toMatchObject({
    only: ["W1", "W2", "W3", "W4", "W5"],
    rounds: 3,
    heldSeconds: 30,
    delays: 10_000,
    history: 1_000_000,
    extras: true,
  });
});

it("is short when quick", () => {
  const quick = { rounds: 1, delays: 1_000, only: ["W1", "W2", "W3", "W4"], extras: true };
  expect(parseOptions(["--quick"])).toMatchObject(quick);
});

it("measures nothing beside the workloads that are named", () => {
  expect(parseOptions(["--only", "w2,W1"])).toMatchObject({ only: ["W2", "W1"], extras: false });
});

describe("refuses, with the usage,", () => {
  it.each([
    ["an unknown workload", ["--only", "W9"], /--only names W9, expected one or more of W1, W2/],
    ["a length that is no positive number", ["--seconds", "0"], /--seconds is 0, expected a number above 0/],
    ["an unknown option", ["--fast"], /--fast/],
  ])("%s", (_, args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
    expect(() => parseOptions(args)).toThrow(/npm run bench -- \[options\]/);
  });
});
