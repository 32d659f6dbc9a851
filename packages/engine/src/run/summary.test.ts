import { describe, expect, it } from "vitest";
import { play, BEGAN_AT } from "../core/testing/play.ts";
import { delay, http, subworkflow, transform } from "../core/testing/steps.ts";
import { nextWakeAt, summarise } from "./summary.ts";

const twice = { retry: { maxAttempts: 2, backoff: "fixed", initialDelay: "5s", jitter: false } };

describe("what a list shows of an execution", () => {
  it("counts every step by status, and names the retry that is due", () => {
    const run = play([transform("t"), http("a", ["t"], twice), http("b", ["a"])])
      .claim()
      .fail("a");
    expect(summarise(run.state)).toEqual({
      progress: { succeeded: 1, waiting: 1, pending: 1 },
      current: ["a"],
      retrying: {
        stepId: "a",
        attempt: 1,
        nextAttemptAt: new Date(BEGAN_AT + 5000).toISOString(),
        errorCode: "HTTP_STATUS",
      },
    });
  });

  it("names five steps that run at the most", () => {
    const run = play(Array.from({ length: 7 }, (_, index) => http(`s${index}`))).claim();
    expect(summarise(run.state).current).toEqual(["s0", "s1", "s2", "s3", "s4"]);
  });
});

describe("when a released execution must be looked at again", () => {
  it("is at the earliest of its waits", () => {
    const run = play([delay("w"), http("a", [], twice), subworkflow("k", [], { timeout: "1m" })]).claim();
    expect(nextWakeAt(run.fail("a").state)).toBe(BEGAN_AT + 1000);
  });

  it("is at its deadline where that is earlier", () => {
    const run = play([delay("w")], { execution: { deadlineAt: BEGAN_AT + 10 } }).claim();
    expect(nextWakeAt(run.state)).toBe(BEGAN_AT + 10);
  });

  it("is at its deadline alone while it is held", () => {
    const held = { held: true, deadlineAt: BEGAN_AT + 90_000 };
    expect(nextWakeAt(play([delay("w")], { execution: held }).claim().state)).toBe(BEGAN_AT + 90_000);
  });

  it("is never by itself where it waits for a child without a time-out", () => {
    expect(nextWakeAt(play([subworkflow("k")]).claim().state)).toBeNull();
  });
});
