// What goes in comes out, whole and once.
import { expect, it } from "vitest";
import { pendingStep, type StepState } from "../../../core/state.ts";
import { endOf, itemOf, succeededStep } from "./items.ts";
import { claimAgain, claimOne, type Ground } from "./subject.ts";

export function commitCases(stand: () => Ground): void {
  it("comes back at the next claim as it was", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne({ b: [1, null, "x"], a: { "": -0.5 } });
    const claimed = await claimOne(subject, worker, one);
    const at = claimed.nowAt;
    const done = succeededStep(
      "done",
      { z: 1, a: [true, null] },
      { startedAt: at - 20, sentAt: at - 10, finishedAt: at - 5, branch: "yes" },
    );
    const nothing = succeededStep("nothing", null, { finishedAt: at });
    const waits: StepState = {
      ...pendingStep("again"),
      status: "waiting",
      wait: "backoff",
      iter: 2,
      keyIter: 1,
      attempt: 3,
      failures: 2,
      dueAt: at + 60_000,
      input: { url: "http://x/", body: { z: 1, a: 2 } },
      error: { code: "HTTP_STATUS", message: "503", step: "again", details: { status: 503 } },
      inDoubt: true,
      childId: crypto.randomUUID(),
      startedAt: at - 30_000,
      sentAt: at - 1_000,
      reason: { code: "RETRY_SCHEDULED", values: { attempt: 3 } },
    };
    await subject.commit(worker, itemOf(claimed, { steps: [done, nothing, waits], labels: { order: "42" } }));
    const again = await claimAgain(subject, worker, one);
    expect(JSON.stringify(again.input)).toBe('{"b":[1,null,"x"],"a":{"":-0.5}}');
    expect(again).toMatchObject({ seq: 2, status: "running", labels: { order: "42" }, startedAt: claimed.startedAt });
    const byId = new Map(again.steps.map((step) => [step.id, step]));
    expect(byId.get("done")).toEqual(done);
    expect(byId.get("nothing")).toEqual(nothing);
    // Written relative to the store's own now: later by what the commit took, never earlier.
    const dueAt = byId.get("again")?.dueAt ?? null;
    expect(byId.get("again")).toEqual({ ...waits, dueAt });
    expect(dueAt).toBeGreaterThanOrEqual(at + 60_000);
    expect(JSON.stringify(byId.get("again")?.input)).toBe(JSON.stringify(waits.input));
  });

  it("leaves large outputs where they are until they are named, and never more than a bound comes along", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const small = "s".repeat(8_000);
    const steps = [
      succeededStep("large", "l".repeat(9_000)),
      ...Array.from({ length: 40 }, (_, n) => succeededStep(`small-${String(n).padStart(2, "0")}`, small)),
    ];
    await subject.commit(worker, itemOf(claimed, { steps }));
    const again = await claimAgain(subject, worker, one);
    const kinds = new Map(again.steps.map((step) => [step.id, step.output.kind]));
    expect(kinds.get("large")).toBe("stored");
    expect(kinds.get("small-00")).toBe("value");
    expect(kinds.get("small-39")).toBe("stored");
    expect(JSON.stringify(again.steps).length).toBeLessThan(300_000);
    const outputs = await subject.store.loadOutputs(one, ["large", "small-39", "unknown"]);
    expect([...outputs.keys()].sort()).toEqual(["large", "small-39"]);
    expect(outputs.get("small-39")).toBe(small);
  });

  it("keeps a stored output and a frozen input that the holder has left out", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const running: StepState = { ...pendingStep("a"), status: "running", attempt: 1, input: { frozen: true } };
    await subject.commit(worker, itemOf(claimed, { steps: [running] }));
    await subject.commit(
      worker,
      itemOf({ ...claimed, seq: 2 }, { steps: [{ ...running, input: null, output: { kind: "stored" } }] }),
    );
    const again = await claimAgain(subject, worker, one);
    expect(again.steps).toMatchObject([{ id: "a", input: { frozen: true }, output: { kind: "none" } }]);
  });

  it("is a history without a gap, one batch a commit, after execution.queued", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const events = [{ type: "execution.running" }, { type: "step.running", stepId: "a", attempt: 1, data: { n: 1 } }];
    await subject.commit(worker, itemOf(claimed, { events }));
    await subject.commit(worker, endOf({ ...claimed, seq: 3 }));
    expect(await subject.batchesOf(one)).toEqual([
      { firstSeq: 2, lastSeq: 3, items: events },
      { firstSeq: 4, lastSeq: 4, items: [{ type: "execution.succeeded" }] },
    ]);
  });

  it("carries the newest epoch and the seq that the row stands at, or is not written at all", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const first = await claimOne(subject, worker, one);
    const second = await claimAgain(subject, worker, one);
    const steps = [succeededStep("a", 1)];
    for (const item of [itemOf(first, { steps }), itemOf({ ...second, seq: 2 }, { steps })]) {
      expect(await subject.commit(worker, item)).toEqual({ kind: "fenced" });
    }
    const other = await subject.registerWorker(60_000);
    expect(await subject.commit(other, itemOf(second, { steps }))).toEqual({ kind: "fenced" });
    expect(await subject.batchesOf(one)).toEqual([]);
    expect((await claimAgain(subject, worker, one)).steps).toEqual([]);
  });

  it("records a finished attempt once", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const attempt = {
      stepId: "a",
      iter: 1,
      attempt: 1,
      startedAt: claimed.nowAt,
      outcome: "failed" as const,
      error: { code: "HTTP_STATUS" as const, message: "500" },
      nextAttemptAt: claimed.nowAt + 500,
      idempotencyKey: "k",
      request: { method: "POST" },
      response: { status: 500 },
    };
    await subject.commit(worker, itemOf(claimed, { attempts: [attempt] }));
    const twice = subject.commit(worker, itemOf({ ...claimed, seq: 2 }, { attempts: [attempt] }));
    await expect(twice).rejects.toThrow("duplicate key");
    expect(await subject.attemptsOf(one)).toHaveLength(1);
  });

  it("records no attempt as ended before it began, where the worker's estimate of the time is ahead", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    const startedAt = claimed.nowAt + 60_000;
    const attempt = { stepId: "a", iter: 1, attempt: 1, startedAt, outcome: "succeeded" as const };
    const rest = { error: null, nextAttemptAt: null, idempotencyKey: null, request: null, response: null };
    await subject.commit(worker, itemOf(claimed, { attempts: [{ ...attempt, ...rest }] }));
    const [recorded] = await subject.attemptsOf(one);
    expect(recorded?.finishedAt).toBeGreaterThanOrEqual(startedAt);
  });
}
