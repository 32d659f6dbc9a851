import { describe, expect, it } from "vitest";
import { parseRetryAfter } from "./retry-after.ts";

const NOW_AT = Date.parse("Wed, 21 Oct 2015 07:28:00 GMT");
const DAY_MS = 86_400_000;

describe("parseRetryAfter", () => {
  it.each([
    [["120"], 120_000],
    [["120.1"], 121_000],
    [[" 5 "], 5_000],
    [["0"], 0],
    [["Wed, 21 Oct 2015 07:29:30 GMT"], 90_000],
    [["Wed, 21 Oct 2015 07:28:00 GMT"], 0],
    [["Mon, 01 Jan 2001 00:00:00 GMT"], 0],
    [["2", "30"], 30_000],
    [["invalid", "30"], 30_000],
    [["999999999999"], 365 * DAY_MS],
    [["invalid"], null],
    [["-5"], null],
    [["1e12"], null],
    [["0x10"], null],
    [["Infinity"], null],
    [["2015-10-21T07:29:30Z"], null],
    [["Wed, 99 Oct 2015 07:28:00 GMT"], null],
    [["120, 240"], null],
    [[""], null],
    [[], null],
  ])("reads %j as %j ms", (values, expected) => {
    expect(parseRetryAfter(values, NOW_AT)).toBe(expected);
  });
});
