import { describe, expect, it } from "vitest";
import { clockChangeWarnings } from "./clock-changes.ts";
import { nextFireTimes } from "./cron.ts";
import { zoneTransitions } from "./zone-transitions.ts";

const NOW = new Date("2027-01-10T00:00:00Z");
const RAMADAN_YEAR = new Date("2025-01-10T00:00:00Z");
const SAMOA_YEAR = new Date("2010-06-01T00:00:00Z");
const said = (cron: string, timezone: string, now = NOW) =>
  clockChangeWarnings({ cron, timezone }, now, ["cron"]).map(({ code, message }) => `${code}: ${message}`);
const codes = (cron: string, timezone: string, now = NOW) =>
  said(cron, timezone, now).map((text) => text.split(":")[0]);

describe("clockChangeWarnings", () => {
  it("tells of the fire that a gap moves and of the local time that occurs twice, with dates and instants", () => {
    expect(said("30 2 * * *", "Europe/Berlin")).toEqual([
      "CLOCK_CHANGE_SKIPS: In Europe/Berlin the clocks go forward on 2027-03-28, from 02:00 to 03:00: the fire of 02:30 comes at the first instant after the gap, 03:00 (2027-03-28T01:00:00.000Z).",
      "CLOCK_CHANGE_REPEATS: In Europe/Berlin the clocks go back on 2027-10-31, from 03:00 to 02:00: 02:30 occurs twice that day, and the schedule fires once, at the first (2027-10-31T00:30:00.000Z), not again at 2027-10-31T01:30:00.000Z.",
    ]);
  });

  it.each([
    ["30 1 * * *", "America/New_York", ["CLOCK_CHANGE_REPEATS"]],
    ["0 2 * * *", "America/New_York", ["CLOCK_CHANGE_SKIPS"]],
    ["15 2 * * *", "Australia/Lord_Howe", ["CLOCK_CHANGE_SKIPS"]],
    ["45 1 * * *", "Australia/Lord_Howe", ["CLOCK_CHANGE_REPEATS"]],
    ["0 0 * * *", "America/Santiago", ["CLOCK_CHANGE_SKIPS"]],
  ])("finds what happens to %s in %s", (cron, timezone, expected) => {
    expect(codes(cron, timezone)).toEqual(expected);
  });

  it("follows a zone whose clocks go back before they go forward, as Morocco's around Ramadan", () => {
    const found = codes("30 2 * * *", "Africa/Casablanca", RAMADAN_YEAR);
    expect(found).toEqual(["CLOCK_CHANGE_REPEATS", "CLOCK_CHANGE_SKIPS"]);
  });

  it.each([
    ["30 2 * * *", "UTC"],
    ["30 2 * * *", "Asia/Kolkata"],
    ["30 2 * * *", "Etc/GMT+5"],
    ["0 4 * * *", "Europe/Berlin"],
    ["30 2 * * 1", "Europe/Berlin"],
    ["30 2 1 * *", "Europe/Berlin"],
    ["* * * * *", "Europe/Berlin"],
    ["*/15 * * * *", "Europe/Berlin"],
    ["0 * * * *", "Europe/Berlin"],
    ["30 * * * *", "America/New_York"],
    ["0 1-5 * * *", "America/New_York"],
  ])("says nothing of %s in %s", (cron, timezone) => {
    expect(said(cron, timezone)).toEqual([]);
  });

  it("tells where an interval loses its rhythm, or a whole day's fires", () => {
    expect(said("*/15 2 * * *", "America/New_York")[0]).toMatch(
      /what is due at 02:00, 02:15, 02:30 and more is left out that day/,
    );
    expect(said("0 */2 * * *", "America/New_York")[0]).toMatch(/the fire of 02:00 is left out that day/);
    expect(said("0 */2 * * *", "Europe/Berlin")[1]).toMatch(/02:00 occurs twice that day, and the schedule fires both/);
  });

  it("knows a day that a zone leaves out, as Samoa did", () => {
    const now = new Date("2011-11-01T00:00:00Z");
    expect(said("0 12 30 12 *", "Pacific/Apia", now)[0]).toMatch(/go forward on 2011-12-30/);
    // The changes of summer time, at 03:00 and 04:00, do not concern it.
    expect(codes("0 12 30 12 *", "Pacific/Apia", now)).toEqual(["CLOCK_CHANGE_SKIPS"]);
  });

  /** The reference: every minute of the day of a change, by the zone's own clock, against what croner yields. */
  it.each([
    ["Europe/Berlin", NOW],
    ["America/New_York", NOW],
    ["Australia/Lord_Howe", NOW],
    ["Africa/Cairo", NOW],
    ["Africa/Casablanca", RAMADAN_YEAR],
    ["Pacific/Apia", SAMOA_YEAR],
  ])("warns of exactly those fixed times of %s whose fires a change touches", (timezone, now) => {
    const until = new Date(now.getTime() + 365 * 86_400_000);
    const changes = zoneTransitions(timezone, now, until);
    expect(changes.length).toBeGreaterThan(0);
    for (let minute = 0; minute < 24 * 60; minute += 15) {
      const cron = `${minute % 60} ${Math.floor(minute / 60)} * * *`;
      const touched = changes.filter(({ at, beforeMs, afterMs }) => {
        const around = nextFireTimes(cron, timezone, new Date(at.getTime() - 86_400_000), 3);
        const locals = around.map((fire) => {
          const offsetMs = fire < at ? beforeMs : afterMs;
          return Math.floor((fire.getTime() + offsetMs) / 60_000) % (24 * 60);
        });
        const moved = locals.some((local) => local !== minute);
        const inRepeat = around.some(
          (fire) => fire < at && fire.getTime() >= at.getTime() - (beforeMs - afterMs) && afterMs < beforeMs,
        );
        return moved || inRepeat;
      });
      expect([cron, said(cron, timezone, now).length]).toEqual([cron, touched.length]);
    }
  });
});

describe("zoneTransitions", () => {
  it("finds the instants of a year's changes to the second", () => {
    const found = zoneTransitions("Australia/Lord_Howe", NOW, new Date("2028-01-10T00:00:00Z"));
    expect(found).toEqual([
      { at: new Date("2027-04-03T15:00:00Z"), beforeMs: 11 * 3_600_000, afterMs: 10.5 * 3_600_000 },
      { at: new Date("2027-10-02T15:30:00Z"), beforeMs: 10.5 * 3_600_000, afterMs: 11 * 3_600_000 },
    ]);
    expect(zoneTransitions("Asia/Kolkata", NOW, new Date("2028-01-10T00:00:00Z"))).toEqual([]);
  });
});
