import { describe, expect, it } from "vitest";
import { explainReason } from "./explain-reason.ts";

const AT = "2027-01-31T09:30:00.000Z";

describe("explainReason", () => {
  it("speaks of what is waited for as to come", () => {
    expect(explainReason({ code: "DELAYED", values: { until: AT } }).text).toBe(`It waits until ${AT}.`);
    expect(retried(false)).toBe(`Attempt 2 failed with HTTP_STATUS; the next of at most 4 comes at ${AT}.`);
  });

  it("speaks of what was waited for as over, once the step goes on or has ended", () => {
    expect(explainReason({ code: "DELAYED", values: { until: AT } }, true).text).toBe(`It was delayed until ${AT}.`);
    expect(retried(true)).toBe(`Attempt 2 failed with HTTP_STATUS; the next of at most 4 was due at ${AT}.`);
    const child = explainReason({ code: "CHILD_RUNNING", values: { executionId: "some-id" } }, true);
    expect(child.text).toBe("It waited for its child, execution some-id, to end.");
  });

  it("leaves a reason that is no wait as it is", () => {
    const skipped = { code: "EXECUTION_CANCELLED", values: {} } as const;
    expect(explainReason(skipped, true)).toEqual(explainReason(skipped));
  });
});

function retried(isOver: boolean): string {
  const values = { attempt: 2, failures: 2, maxAttempts: 4, error: "HTTP_STATUS", nextAttemptAt: AT };
  return explainReason({ code: "RETRY_SCHEDULED", values }, isOver).text;
}
