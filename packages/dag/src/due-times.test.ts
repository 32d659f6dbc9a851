import { describe, expect, it } from "vitest";
import { nextFireTimes } from "./cron.ts";
import { dueTimesUntil } from "./due-times.ts";

const EVERY_MINUTE = { cron: "* * * * *", timezone: "UTC" };
const FIRST = new Date("2027-01-01T10:00:00Z");
const after = (minutes: number, seconds = 0) => new Date(FIRST.getTime() + minutes * 60_000 + seconds * 1000);

describe("dueTimesUntil", () => {
  it("has the first one alone, and the next", () => {
    expect(dueTimesUntil(EVERY_MINUTE, FIRST, after(0, 5), 100)).toEqual({
      older: null,
      last: [FIRST],
      nextAt: after(1),
    });
  });

  it("takes one that is due at the very end of the stretch for past", () => {
    expect(dueTimesUntil(EVERY_MINUTE, FIRST, after(2), 100)).toEqual({
      older: null,
      last: [FIRST, after(1), after(2)],
      nextAt: after(3),
    });
  });

  it("has the last ones singly and counts those before them", () => {
    const { older, last, nextAt } = dueTimesUntil(EVERY_MINUTE, FIRST, after(300, 30), 100);
    expect(older).toEqual({ firstAt: FIRST, lastAt: after(200), count: 201 });
    expect(last).toHaveLength(100);
    expect([last[0], last.at(-1), nextAt]).toEqual([after(201), after(300), after(301)]);
  });

  it("reckons a month of minutes without going through them", () => {
    const minutes = 30 * 24 * 60;
    const { older, last, nextAt } = dueTimesUntil(EVERY_MINUTE, FIRST, after(minutes, 30), 100);
    expect(older).toEqual({ firstAt: FIRST, lastAt: after(minutes - 100), count: null });
    expect(last).toHaveLength(100);
    expect([last[0], last.at(-1), nextAt]).toEqual([after(minutes - 99), after(minutes), after(minutes + 1)]);
  });

  it.each(["0 0 29 2 *", "30 2 * * *", "*/30 1 * * *"])(
    "has of %s what nextFireTimes has, over clock changes",
    (cron) => {
      const schedule = { cron, timezone: "America/New_York" };
      const [first] = nextFireTimes(cron, "America/New_York", FIRST, 1);
      const until = new Date("2031-11-08T00:00:00Z");
      const { older, last } = dueTimesUntil(schedule, first!, until, 100);
      const all: Date[] = [first!];
      while (all.at(-1)! <= until) all.push(...nextFireTimes(cron, "America/New_York", all.at(-1)!, 1_000));
      const past = all.filter((at) => at <= until);
      expect(last).toEqual(past.slice(-100));
      expect(older?.lastAt).toEqual(past.at(-101));
    },
  );
});
