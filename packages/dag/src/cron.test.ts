import { describe, expect, it } from "vitest";
import { checkCron, nextFireTimes } from "./cron.ts";

const NEW_YORK = "America/New_York";

function fires(expression: string, timezone: string, after: string, count: number): string[] {
  return nextFireTimes(expression, timezone, new Date(after), count).map((date) =>
    date.toISOString().replace(":00.000Z", "Z"),
  );
}

describe("nextFireTimes", () => {
  it.each([
    [
      "moves a skipped local time to the first instant after the gap",
      "30 2 * * *",
      NEW_YORK,
      "2027-03-13T08:00Z",
      ["2027-03-14T07:00Z", "2027-03-15T06:30Z"],
    ],
    [
      "fires at the gap's end where the gap begins",
      "0 2 * * *",
      NEW_YORK,
      "2027-03-13T08:00Z",
      ["2027-03-14T07:00Z", "2027-03-15T06:00Z"],
    ],
    ["skips an interval that lies in a gap", "*/15 2 * * *", NEW_YORK, "2027-03-14T05:00Z", ["2027-03-15T06:00Z"]],
    [
      "keeps hourly hourly over a gap",
      "0 * * * *",
      NEW_YORK,
      "2027-03-14T05:30Z",
      ["2027-03-14T06:00Z", "2027-03-14T07:00Z", "2027-03-14T08:00Z", "2027-03-14T09:00Z"],
    ],
    [
      "fires once at a local time that occurs twice",
      "30 1 * * *",
      NEW_YORK,
      "2027-11-06T06:00Z",
      ["2027-11-07T05:30Z", "2027-11-08T06:30Z"],
    ],
    [
      "keeps an interval's rhythm through a repeated hour",
      "*/30 1 * * *",
      NEW_YORK,
      "2027-11-07T04:30Z",
      ["2027-11-07T05:00Z", "2027-11-07T05:30Z", "2027-11-07T06:00Z", "2027-11-07T06:30Z"],
    ],
    [
      "keeps hourly hourly over a repeated hour",
      "0 * * * *",
      NEW_YORK,
      "2027-11-07T04:30Z",
      ["2027-11-07T05:00Z", "2027-11-07T06:00Z", "2027-11-07T07:00Z", "2027-11-07T08:00Z"],
    ],
    ["handles a gap of half an hour", "15 2 * * *", "Australia/Lord_Howe", "2027-10-02T00:00Z", ["2027-10-02T15:30Z"]],
    [
      "handles a midnight that is skipped",
      "0 0 * * *",
      "America/Santiago",
      "2027-09-04T03:30Z",
      ["2027-09-04T04:00Z", "2027-09-05T04:00Z", "2027-09-06T03:00Z"],
    ],
    [
      "handles a midnight that is skipped, in Beirut",
      "0 0 * * *",
      "Asia/Beirut",
      "2027-03-27T00:00Z",
      ["2027-03-27T22:00Z", "2027-03-28T21:00Z"],
    ],
    ["waits for leap days", "0 0 29 2 *", "UTC", "2027-01-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
    ["skips the leap day that 2100 lacks", "0 0 29 2 *", "UTC", "2096-03-01T00:00Z", ["2104-02-29T00:00Z"]],
    [
      "takes day of month or day of week",
      "0 0 13 * 5",
      "UTC",
      "2027-01-01T00:00Z",
      ["2027-01-08T00:00Z", "2027-01-13T00:00Z", "2027-01-15T00:00Z"],
    ],
    [
      "takes a stepped day of month or a day of week",
      "0 0 */2 * 1",
      "UTC",
      "2027-01-01T00:00Z",
      ["2027-01-03T00:00Z", "2027-01-04T00:00Z", "2027-01-05T00:00Z", "2027-01-07T00:00Z"],
    ],
    [
      "reads names, ranges and lists",
      "0 9 * jan-mar MON,Fri",
      "UTC",
      "2027-03-28T00:00Z",
      ["2027-03-29T09:00Z", "2028-01-03T09:00Z"],
    ],
    ["reads 7 as Sunday", "0 0 * * 7", "UTC", "2027-01-01T00:00Z", ["2027-01-03T00:00Z"]],
    ["counts strictly after the given time", "0 0 * * *", "UTC", "2027-01-01T00:00Z", ["2027-01-02T00:00Z"]],
  ])("%s", (_title, expression, timezone, after, expected) => {
    expect(fires(expression, timezone, after, expected.length)).toEqual(expected);
  });

  it("fires once a minute, 10,080 times a week, whatever the size of the calls", () => {
    let after = new Date("2027-03-10T00:00:00Z");
    let count = 0;
    const end = Date.parse("2027-03-17T00:00:00Z");
    for (;;) {
      const batch = nextFireTimes("* * * * *", NEW_YORK, after, 1_000).filter((date) => date.getTime() <= end);
      count += batch.length;
      const last = batch.at(-1);
      if (last === undefined || last.getTime() === end) break;
      after = last;
    }
    expect(count).toBe(10_080);
  });

  it("throws for what checkCron refuses", () => {
    expect(() => nextFireTimes("* * * *", "UTC", new Date(0), 1)).toThrow(RangeError);
    expect(() => nextFireTimes("* * * * *", "Nowhere/City", new Date(0), 1)).toThrow(RangeError);
  });
});

describe("checkCron", () => {
  it.each([
    "* * * * *",
    "0 2 * * *",
    "  0 2 * * *  ",
    "*/15 0-23/2 1,15 JAN-JUN MON-FRI",
    "59 23 31 12 0-7",
    "0 0 29 2 *",
    "0 0 31 2 1",
    "0 0 * * FRI-SUN",
  ])("takes %j", (expression) => {
    expect(checkCron(expression, "Europe/Berlin")).toBeNull();
  });

  it.each([
    "",
    "   ",
    "* * * *",
    "* * * * * *",
    "0 0 0 1 1 * 2027",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * 32 * *",
    "* * * 13 *",
    "* * * * 8",
    "22-2 * * * *",
    "*/0 * * * *",
    "-1 * * * *",
    "1e1 * * * *",
    "0x1 * * * *",
    "@every 5m",
    "@daily",
    "H * * * *",
    "0 0 L * *",
    "0 0 15W * *",
    "0 0 * * 5#2",
    "0 0 ? * *",
    "0 12 1 * +MON",
    "5/15 * * * *",
    "1,,2 * * * *",
    "0 0 * FOO *",
    "MON * * * *",
    "0 0 * * FRI-MON",
    "0 0 31 2 *",
    "0 0 30 2 *",
    "0 0 31 4,6,9,11 *",
    `${"0,".repeat(60)}0 * * * *`,
    "٣ * * * *",
    "2027-01-01T00:00:00",
  ])("refuses %j", (expression) => {
    expect(checkCron(expression, "UTC")?.code).toBe("INVALID_CRON");
  });

  it.each(["", "Nowhere/City", "+05:00", "Europe/Berlin ", "Europe", "../etc/passwd", "utc; drop"])(
    "refuses the zone %j",
    (timezone) => {
      expect(checkCron("* * * * *", timezone)?.code).toBe("INVALID_TIMEZONE");
    },
  );

  it.each(["UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "Asia/Kolkata"])("takes the zone %j", (timezone) => {
    expect(checkCron("* * * * *", timezone)).toBeNull();
  });
});
