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
    expect(fires).toEqual([{ dueAt: new Date("2027-01-01T10:00:00Z"), executionId: "id", missed: false }]);
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

  it("catches up with the last hundred at the most, over as many runs as a long outage takes", () => {
    let schedule = due({ cron: "* * * * *", missed: "all", nowAt: new Date("2027-01-03T10:00:30Z") });
    const all: string[] = [];
    const settled: number[] = [];
    for (;;) {
      const { nextAt, fires } = reckon(schedule, newId);
      settled.push(fires.length);
      all.push(...fires.filter((fire) => !fire.missed).map((fire) => fire.dueAt.toISOString()));
      if (nextAt === null || nextAt > schedule.nowAt) break;
      schedule = { ...schedule, nextAt };
    }
    expect(settled.reduce((sum, count) => sum + count, 0)).toBe(2 * 24 * 60 + 1);
    expect(all).toHaveLength(100);
    expect(all.at(-1)).toBe("2027-01-03T10:00:00.000Z");
    expect(new Set(all).size).toBe(100);
  });
});
