import { describe, expect, it } from "vitest";
import { parseScaleOptions } from "./options.ts";

it("goes from one worker to eight, so few places each that two cores carry them, unless told otherwise", () => {
  expect(parseScaleOptions(["--scale"])).toMatchObject({
    workers: [1, 2, 4, 8],
    concurrency: 4,
    seconds: 8,
    delayMs: 200,
    pgbouncer: false,
  });
  expect(parseScaleOptions(["--scale", "--pgbouncer", "--workers", "2,3"])).toMatchObject({
    workers: [2, 3],
    pgbouncer: true,
  });
});

describe("refuses, with the usage,", () => {
  it.each([
    ["workers that do not ascend", ["--workers", "4,2"], /--workers is 4,2, expected each number to be above/],
    ["no number of workers", ["--workers", "many"], /--workers is many, expected a whole number from 1 to 64/],
    ["half a place", ["--concurrency", "0.5"], /--concurrency is 0.5, expected a whole number from 1 to 1000/],
    ["points without length", ["--seconds", "0"], /--seconds is 0, expected a number above 0/],
    ["an option of the other benchmarks", ["--rounds", "3"], /--rounds/],
  ])("%s", (_, args, message) => {
    expect(() => parseScaleOptions(["--scale", ...args])).toThrow(message);
    expect(() => parseScaleOptions(["--scale", ...args])).toThrow(/npm run bench -- --scale \[options\]/);
  });
});
