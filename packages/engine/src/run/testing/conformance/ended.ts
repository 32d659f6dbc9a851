// Ended is ended, but for a retry.
import { expect, it } from "vitest";
import { pendingStep, type StepState } from "../../../core/state.ts";
import { endOf, itemOf, succeededStep } from "./items.ts";
import { claimOne, type Ground } from "./subject.ts";

export function endedCases(stand: () => Ground): void {
  it("is free, told to its waiting parent, and changes by a retry alone", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    await subject.commit(worker, endOf(claimed, { steps: [succeededStep("a", 1)] }));
    expect(await subject.factsOf(one)).toMatchObject({ status: "succeeded", owner: null, output: { done: true } });
    expect(await subject.store.claim(worker, [one])).toMatchObject([{ kind: "none" }]);
    expect(await subject.store.loadChildResult(one.tenantId, one.executionId)).toEqual({
      status: "succeeded",
      output: { done: true },
    });
    await expect(subject.rewrite(one)).rejects.toThrow("it changes by a retry alone");
  });

  it("has finished step runs that no commit changes", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    await subject.commit(worker, itemOf(claimed, { steps: [succeededStep("a", 1)] }));
    const rewrite = subject.commit(worker, itemOf({ ...claimed, seq: 2 }, { steps: [succeededStep("a", 2)] }));
    await expect(rewrite).rejects.toThrow("a finished step run does not change");
    const anew = { ...pendingStep("a"), iter: 2 };
    expect(await subject.commit(worker, itemOf({ ...claimed, seq: 2 }, { steps: [anew] }))).toMatchObject({
      kind: "applied",
    });
  });

  it("goes on by a retry under the next generation, once for two who ask", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const error = { code: "HTTP_STATUS" as const, message: "500", step: "a" };
    const failed: StepState = { ...pendingStep("a"), status: "failed", attempt: 1, failures: 1, error };
    await subject.commit(
      worker,
      endOf(claimed, {
        events: [{ type: "execution.failed" }],
        status: "failed",
        steps: [failed],
        end: { output: null, error, parent: null },
      }),
    );
    const read = await subject.read(one);
    expect(read).toMatchObject({ status: "failed", error, steps: [{ status: "failed" }] });
    const reopening = {
      ...one,
      gen: read?.gen ?? 0,
      seq: read?.seq ?? 0,
      events: [{ type: "execution.queued" }],
      steps: [{ ...pendingStep("a"), iter: 2, keyIter: 2 }],
      summary: { progress: { pending: 1 }, current: [], retrying: null },
      deadlineAt: null,
      nowAt: read?.nowAt ?? 0,
      parentGen: null,
    };
    const verdicts = await Promise.all([1, 2].map(() => subject.retry(reopening)));
    expect(verdicts.sort()).toEqual(["retried", "stale"]);
    expect(await claimOne(subject, worker, one)).toMatchObject({
      gen: 2,
      seq: 3,
      failing: null,
      steps: [{ status: "pending", iter: 2, error: null }],
    });
  });
}
