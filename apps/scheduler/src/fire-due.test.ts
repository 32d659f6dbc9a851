import type { DueSchedule } from "@keelson/db";
import { describe, expect, it } from "vitest";
import { reckon } from "./fire-due.ts";

const due = (change: Partial<DueSchedule>): DueSchedule => ({
  tenantId: "t",
  scheduleId: "s",
  cron: "*/5 * * * *",
  timezone: "UTC",
  missed: "latest",
  nextAt: new Date("2027-01-01T10:00:00Z"),
  nowAt: new Date("2027-01-01T10:00:01Z"),
  ...change,
});
const newId = (): string => "id";
const fired = (schedule: DueSchedule): string[] =>
  reckon(schedule, newId)
    .fires.filter((fire) => !fire.missed)
    .map((fire) => fire.dueAt.toISOString().slice(11, 16));

describe("reckon", () => {
  it("fires a due time that is a moment late, and names the next", () => {
    const { nextAt, fires } = reckon(due({}), newId);
    expect(fires).toEqual([{ dueAt: new Date("2027-01-01T10:00:00Z"), executionId: "id", missed: false, late: false }]);
    expect(nextAt).toEqual(new Date("2027-01-01T10:05:00Z"));
  });

  it("settles every due time of an outage, and fires of them what `missed` says", () => {
    const nowAt = new Date("2027-01-01T10:18:00Z");
    expect(reckon(due({ nowAt }), newId).fires).toHaveLength(4);
    expect(fired(due({ nowAt, missed: "skip" }))).toEqual([]);
    expect(fired(due({ nowAt, missed: "latest" }))).toEqual(["10:15"]);
    expect(fired(due({ nowAt, missed: "all" }))).toEqual(["10:00", "10:05", "10:10", "10:15"]);
  });

  it("counts a due time seen within ten seconds as on time, whatever `missed` says", () => {
    const nowAt = new Date("2027-01-01T10:05:10Z");
    expect(fired(due({ nowAt, missed: "skip" }))).toEqual(["10:05"]);
  });

  it("catches up with the last hundred at the most, and settles the rest of a long outage in one row", () => {
    const schedule = due({ cron: "* * * * *", missed: "all", nowAt: new Date("2027-01-31T10:00:30Z") });
    const { nextAt, fires } = reckon(schedule, newId);
    const [older, ...single] = fires;
    expect(older).toEqual({
      dueAt: schedule.nextAt,
      untilAt: new Date("2027-01-31T08:20:00Z"),
      count: null,
      executionId: "id",
      missed: true,
    });
    expect(single).toHaveLength(100);
    expect(single.every((fire) => !fire.missed)).toBe(true);
    expect(single.filter((fire) => fire.late)).toHaveLength(100);
    expect([single[0]?.dueAt, single.at(-1)?.dueAt, nextAt]).toEqual([
      new Date("2027-01-31T08:21:00Z"),
      new Date("2027-01-31T10:00:00Z"),
      new Date("2027-01-31T10:01:00Z"),
    ]);
  });
});
