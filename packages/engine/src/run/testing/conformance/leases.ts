// One holder at a time, and what nobody holds is found.
import { expect, it } from "vitest";
import { releaseOf } from "./items.ts";
import { claimAgain, claimOne, type Ground } from "./subject.ts";

export function leaseCases(stand: () => Ground): void {
  it("that is given back for later is nobody's, and is not taken before its time", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    await claimOne(subject, worker, one);
    await subject.store.letGo(worker, [one], 30_000);
    const [answer] = await subject.store.claim(worker, [one]);
    expect(answer?.kind === "tooEarly" && answer.inMs).toBeGreaterThan(29_000);
    expect(await subject.factsOf(one)).toMatchObject({ owner: null, epoch: 2 });
  });

  it("is given to one of fifty who ask at once", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const answers = (await Promise.all(Array.from({ length: 50 }, () => subject.store.claim(worker, [one])))).flat();
    expect(answers.filter((answer) => answer.kind === "claimed")).toHaveLength(1);
    expect(await subject.factsOf(one)).toMatchObject({ owner: worker, epoch: 1 });
  });

  it("is given to no worker that is dead, retired or unknown", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const dead = await subject.registerWorker(60_000);
    await subject.expireWorker(dead);
    for (const id of [dead, "999999"]) expect(await subject.store.claim(id, [one])).toMatchObject([{ kind: "none" }]);
    expect(await subject.store.claim(worker, [one])).toMatchObject([{ kind: "claimed" }]);
  });

  it("is taken from a worker whose time is over, under another epoch, and counts as a loss", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const dead = await subject.registerWorker(60_000);
    await claimOne(subject, dead, one);
    await subject.expireWorker(dead);
    expect((await subject.sweeps.reap(500)).map(({ executionId }) => executionId)).toContain(one.executionId);
    expect(await subject.factsOf(one)).toMatchObject({ owner: null, epoch: 2, due: true });
    expect(await claimOne(subject, worker, one)).toMatchObject({ losses: 1, epoch: 3 });
  });

  it("is answered for each that was asked for, of whatever tenants", async () => {
    const { subject, worker } = stand();
    const [a, b] = [await subject.startOne(), await subject.startOne()];
    const unknown = { tenantId: a.tenantId, executionId: crypto.randomUUID() };
    const answers = await subject.store.claim(worker, [a, b, unknown]);
    const kinds = answers.map((answer) =>
      answer.kind === "claimed" ? [answer.execution.executionId, "claimed"] : [answer.ref.executionId, answer.kind],
    );
    expect(Object.fromEntries(kinds)).toEqual({
      [a.executionId]: "claimed",
      [b.executionId]: "claimed",
      [unknown.executionId]: "none",
    });
  });

  it("is not given by another tenant's name (I7)", async () => {
    const { subject, worker } = stand();
    const [one, other] = [await subject.startOne(), await subject.startOne()];
    const theirs = { tenantId: other.tenantId, executionId: one.executionId };
    expect(await subject.store.claim(worker, [theirs])).toMatchObject([{ kind: "none" }]);
    expect(await subject.store.readInbox(theirs)).toEqual([]);
    expect(await subject.store.loadChildResult(theirs.tenantId, theirs.executionId)).toBeNull();
  });

  it("begins its execution, and the time it has, at the first claim alone", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    await subject.setTimeoutMs(one, 60_000);
    const first = await claimOne(subject, worker, one);
    expect(first).toMatchObject({ startedAt: first.nowAt, status: "queued" });
    const hasMs = (first.deadlineAt ?? 0) - first.nowAt;
    expect(hasMs).toBeGreaterThanOrEqual(60_000);
    expect(hasMs).toBeLessThanOrEqual(60_001);
    const again = await claimAgain(subject, worker, one);
    expect(again).toMatchObject({ startedAt: first.startedAt, deadlineAt: first.deadlineAt, epoch: 3 });
  });

  it("is not given back while there is mail, and is due at the earliest of its waits", async () => {
    const { subject, worker } = stand();
    const one = await subject.startOne();
    const claimed = await claimOne(subject, worker, one);
    expect(await subject.commit(worker, releaseOf(claimed, 5_000))).toEqual({
      kind: "applied",
      released: true,
      mail: false,
    });
    const [early] = await subject.store.claim(worker, [one]);
    if (early?.kind !== "tooEarly") throw new Error(`Not too early: ${early?.kind}`);
    expect(early.inMs).toBeGreaterThan(4_000);
    expect(early.inMs).toBeLessThanOrEqual(5_000);
  });
}
