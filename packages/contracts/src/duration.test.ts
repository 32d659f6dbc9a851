import { describe, expect, it } from "vitest";
import { parseDuration } from "./duration.ts";

describe("parseDuration", () => {
  it.each([
    ["250ms", 250],
    ["5s", 5_000],
    ["10m", 600_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
    ["0s", 0],
    ["365d", 31_536_000_000],
    ["PT5M", 300_000],
    ["PT0.5S", 500],
    ["PT1,25S", 1_250],
    ["P1DT2H3M4S", 93_784_000],
    ["P2W", 1_209_600_000],
    [1_500, 1_500],
    [0, 0],
    [-0, -0],
  ])("reads %j as %d ms", (value, ms) => {
    expect(parseDuration(value)).toBe(ms);
  });

  it.each([
    "",
    "5",
    "5 s",
    " 5s",
    "5S",
    "-5s",
    "1.5h",
    "1h30m",
    "5sec",
    "P",
    "PT",
    "P1DT",
    "P1Y",
    "P1M",
    "pt5m",
    "366d",
    "365d1s",
    "999999999999999d",
    "{{ input.wait }}",
    1.5,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    31_536_000_001,
    null,
    undefined,
    true,
    ["5s"],
    { ms: 5 },
  ])("refuses %j", (value) => {
    expect(parseDuration(value)).toBeNull();
  });
});
