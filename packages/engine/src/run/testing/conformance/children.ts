// Children, and the holds of those whose workflow is paused.
import { expect, it } from "vitest";
import { endOf, itemOf, releaseOf } from "./items.ts";
import { childOf, claimOne, type Ground } from "./subject.ts";

export function childrenCases(stand: () => Ground): void {
  it("are born with their parent's commit, and tell it of their end", async () => {
    const { subject, worker } = stand();
    const parent = await subject.startOne(1);
    const claimed = await claimOne(subject, worker, parent);
    const child = childOf(parent, { deadlineAt: claimed.nowAt + 3_600_000, input: null });
    await subject.commit(worker, releaseOf(claimed, null, { children: [child] }));
    const held = await claimOne(subject, worker, { ...parent, executionId: child.executionId });
    expect(held).toMatchObject({ input: null, nesting: 1, deadlineAt: child.deadlineAt, parent: child.parent });
    await subject.commit(worker, endOf(held));
    const mail = await subject.store.readInbox(parent);
    expect(mail).toMatchObject([{ kind: "childEnded", stepId: "call", sourceId: child.executionId }]);
    const woken = await claimOne(subject, worker, parent);
    expect(woken.inbox).toMatchObject([{ result: { status: "succeeded", output: { done: true } } }]);
    const eaten = woken.inbox.map(({ id }) => id);
    expect(await subject.commit(worker, releaseOf(woken, 60_000, { eaten }))).toMatchObject({ mail: false });
  });

  it("hold their parent's lease, once they have ended, until it has read of it", async () => {
    const { subject, worker } = stand();
    const parent = await subject.startOne();
    const claimed = await claimOne(subject, worker, parent);
    const child = childOf(parent);
    await subject.commit(worker, itemOf(claimed, { children: [child] }));
    await subject.commit(worker, endOf(await claimOne(subject, worker, { ...parent, executionId: child.executionId })));
    const release = await subject.commit(worker, releaseOf({ ...claimed, seq: 2 }, null));
    expect(release).toEqual({ kind: "applied", released: false, mail: true });
    expect(await subject.factsOf(parent)).toMatchObject({ owner: worker, due: false });
  });

  it("are cancelled with their parent, but for those that have ended", async () => {
    const { subject, worker } = stand();
    const parent = await subject.startOne();
    const claimed = await claimOne(subject, worker, parent);
    const [ended, runs] = [childOf(parent), childOf(parent)];
    await subject.commit(worker, itemOf(claimed, { children: [ended, runs] }));
    await subject.commit(worker, endOf(await claimOne(subject, worker, { ...parent, executionId: ended.executionId })));
    const cancels = [ended.executionId, runs.executionId];
    await subject.commit(worker, itemOf({ ...claimed, seq: 2 }, { cancels }));
    const mail = await Promise.all(cancels.map((executionId) => subject.mailOf({ ...parent, executionId })));
    expect(mail).toEqual([0, 1]);
  });

  it("are held where their workflow is paused, due by their deadline alone, and start on resume", async () => {
    const { subject, worker } = stand();
    const parent = await subject.startOne();
    const claimed = await claimOne(subject, worker, parent);
    const of = await subject.workflow(parent.tenantId);
    await subject.pause(parent.tenantId, of.workflowId);
    const children = [childOf(parent, of), childOf(parent, { ...of, deadlineAt: claimed.nowAt - 1 })];
    await subject.commit(worker, itemOf(claimed, { children }));
    const [waits, late] = children.map(({ executionId }) => ({ ...parent, executionId }));
    if (waits === undefined || late === undefined) throw new Error("No children");
    expect(await subject.factsOf(waits)).toMatchObject({ held: true, due: false, swept: false });
    expect(await subject.store.claim(worker, [waits])).toMatchObject([{ kind: "none" }]);
    const swept = await subject.sweeps.sweepDue(100);
    expect(swept.map(({ executionId }) => executionId)).toContain(late.executionId);
    // Its deadline is past: it may be claimed, held as it is, to be ended.
    expect(await claimOne(subject, worker, late)).toMatchObject({ held: true, status: "queued" });
    expect(await subject.resume(parent.tenantId, of.workflowId)).toBe(2);
    expect(await claimOne(subject, worker, waits)).toMatchObject({ held: false });
  });

  it("whose hold is lifted while somebody has the lease are due when it is given back", async () => {
    const { subject, worker } = stand();
    for (const giveBack of ["commit", "letGo"] as const) {
      const parent = await subject.startOne();
      const of = await subject.workflow(parent.tenantId);
      await subject.pause(parent.tenantId, of.workflowId);
      const claimed = await claimOne(subject, worker, parent);
      const child = childOf(parent, { ...of, deadlineAt: claimed.nowAt - 1 });
      await subject.commit(worker, itemOf(claimed, { children: [child] }));
      const ref = { ...parent, executionId: child.executionId };
      const held = await claimOne(subject, worker, ref);
      await subject.resume(parent.tenantId, of.workflowId);
      if (giveBack === "letGo") await subject.store.letGo(worker, [ref], 0);
      else await subject.commit(worker, releaseOf(held, null, { status: "queued" }));
      expect(await subject.factsOf(ref)).toMatchObject({ status: "queued", owner: null, held: false, due: true });
    }
  });
}
