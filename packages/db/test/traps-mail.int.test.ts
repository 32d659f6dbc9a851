// Traps of mail and holds: what is said to an execution while somebody holds it, ends it, or pauses its workflow.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import {
  createSweepStore,
  executionCommit,
  executionNotify,
  executionRetry,
  executionStart,
  workflowPause,
  workflowResume,
} from "../src/index.ts";
import { createRig } from "./rig.ts";
import {
  claimOne,
  commitOne,
  countOf,
  endOf,
  factsOf,
  inSession,
  itemOf,
  NO_STEPS,
  openSession,
  registerWorker,
  releaseOf,
  startOne,
  startRequest,
  untilBlocked,
  withMutation,
  type Started,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** A parent under `worker`'s lease whose step waits for a child that is free and due. */
async function family(worker: string) {
  const parent = await startOne(world);
  const claimed = await claimOne(world, worker, parent);
  const child = { ...parent, executionId: newId() };
  const item = itemOf(claimed, { children: [childOf(parent, child.executionId)] });
  await commitOne(world, worker, item);
  return { parent, child, claimed: { ...claimed, seq: claimed.seq + 1 } };
}

function childOf(parent: Started, executionId: string, gen = 1) {
  return {
    executionId,
    workflowId: parent.workflowId,
    workflowName: "w",
    versionId: parent.versionId,
    version: 1,
    input: null,
    trigger: { type: "subworkflow" },
    timeoutMs: null,
    deadlineAt: null,
    nesting: 1,
    parent: { executionId: parent.executionId, stepId: "child", gen },
    quietFailure: true,
    trace: null,
  };
}

const age = (seconds: number) =>
  world.admin.query(`update keelson.inbox set at = at - interval '${seconds} s'`).then(() => undefined);

async function sweptIds(): Promise<string[]> {
  return (await createSweepStore(world.dispatcher).sweepInbox(1000)).map((ref) => ref.executionId);
}

describe("T1: a child ends while its parent is leased", () => {
  it("keeps the parent's lease where the child's end came before the release, and says that there is mail", async () => {
    const worker = await registerWorker(world);
    const { parent, child, claimed } = await family(worker);
    await commitOne(world, worker, endOf(await claimOne(world, worker, child)));
    const verdict = await commitOne(world, worker, releaseOf(claimed, 3_600_000));
    expect(verdict).toEqual({ kind: "applied", released: false, mail: true });
    expect(await factsOf(world, parent)).toMatchObject({ owner: worker, wake_at: null });
  });

  it("fails to keep it without the look into the inbox", async () => {
    const worker = await registerWorker(world);
    const { child, claimed } = await family(worker);
    await commitOne(world, worker, endOf(await claimOne(world, worker, child)));
    const blind = (sql: string) =>
      sql.replace("x.release and not x.id = any(p_mail) as gives_back", "x.release as gives_back");
    const verdict = await withMutation(world, "executions_settle", blind, () =>
      commitOne(world, worker, releaseOf(claimed, 3_600_000)),
    );
    expect(verdict).toMatchObject({ released: true, mail: true });
  });

  it("finds the parent by the sweep where the child's end fell between the release's look and its commit", async () => {
    const worker = await registerWorker(world);
    const { parent, child, claimed } = await family(worker);
    const held = await claimOne(world, worker, child);
    const releasing = await openSession(world, "worker");
    await releasing.client.query("begin");
    const [verdict] = await executionCommit(inSession(world, releasing), worker, parent.tenantId, [
      releaseOf(claimed, null),
    ]);
    expect(verdict).toMatchObject({ released: true, mail: false });
    // Not held up by the parent's lock: nobody writes another's row.
    await commitOne(world, worker, endOf(held));
    await releasing.client.query("commit");
    expect(await factsOf(world, parent)).toMatchObject({ owner: null, status: "waiting", sweep_at: null });
    expect(await sweptIds()).not.toContain(parent.executionId);
    await age(2);
    expect(await sweptIds()).toContain(parent.executionId);
    const again = await claimOne(world, worker, parent);
    expect(again.inbox).toMatchObject([{ kind: "childEnded", stepId: "child", sourceId: child.executionId }]);
  });

  it("tells a running holder at its next tick, though every hint was lost", async () => {
    const tenantId = await world.tenant();
    await world.workflow(tenantId, { name: "the-child", steps: [http("work")] });
    const of = await world.workflow(tenantId, {
      steps: [{ id: "child", type: "subworkflow", config: { workflow: "the-child" } }, { ...http("long") }],
    });
    const parent = await startOne(world, { tenantId, of });
    const rig = createRig(world);
    const other = createRig(world);
    await Promise.all([rig.runner.tick(), other.runner.tick()]);
    await rig.runner.offer(parent);
    const child = await eventually(() => {
      const hint = rig.hints.wakes.find((wake) => wake.delayMs === 0);
      if (hint === undefined) throw new Error("no child yet");
      return hint;
    });
    await other.runner.offer(child);
    await eventually(() => expect(other.effects).toHaveLength(1));
    other.effects[0]!.succeed({ from: "child" });
    await eventually(() => expect(other.commits.at(-1)?.status).toBe("succeeded"));
    expect(await countOf(world, "inbox", parent)).toBe(1);
    await rig.runner.tick();
    await eventually(async () => expect(await countOf(world, "inbox", parent)).toBe(0));
    rig.effects[0]!.succeed(null);
    await eventually(async () => expect(await factsOf(world, parent)).toMatchObject({ status: "succeeded" }));
    await Promise.all([rig.stop(), other.stop()]);
  });
});

describe("T2: a cancel comes while the execution is leased", () => {
  it("keeps the lease for the cancel, and gives it to whoever claims next where it came too late for that", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const releasing = await openSession(world, "worker");
    await releasing.client.query("begin");
    await executionCommit(inSession(world, releasing), worker, one.tenantId, [releaseOf(claimed, null)]);
    expect(await executionNotify(world.app, one.tenantId, one.executionId, { kind: "cancel" })).toBe("sent");
    await releasing.client.query("commit");
    await age(2);
    expect(await sweptIds()).toContain(one.executionId);
    const again = await claimOne(world, worker, one);
    expect(again.inbox).toMatchObject([{ kind: "cancel" }]);
    const verdict = await commitOne(world, worker, releaseOf(again, 3_600_000));
    expect(verdict).toEqual({ kind: "applied", released: false, mail: true });
  });

  it("aborts what runs at the holder's next tick, though the hint was lost", async () => {
    const tenantId = await world.tenant();
    const one = await startOne(world, { tenantId, of: await world.workflow(tenantId, { steps: [http("long")] }) });
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await executionNotify(world.app, tenantId, one.executionId, { kind: "cancel" });
    expect(rig.effects[0]!.aborted).toBe(false);
    await rig.runner.tick();
    await eventually(async () => expect(await factsOf(world, one)).toMatchObject({ status: "cancelled" }));
    expect(rig.effects[0]!.aborted).toBe(true);
    await rig.stop();
  });
});

describe("T7: a cancel lands as the execution ends, and a retry reopens it", () => {
  /** Reopened, with a cancel in its inbox that was meant for the run before. */
  async function reopenedUnderAnOldCancel(worker: string): Promise<Started> {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const cancelling = await openSession(world, "app");
    await cancelling.client.query("begin");
    const sent = await executionNotify(inSession(world, cancelling), one.tenantId, one.executionId, { kind: "cancel" });
    expect(sent).toBe("sent");
    await commitOne(world, worker, failedEnd(claimed));
    expect(await retry(one)).toBe("retried");
    await cancelling.client.query("commit");
    expect(await countOf(world, "inbox", one)).toBe(1);
    return one;
  }

  it("does not show the old cancel to the new run, nor hold its lease for it, and clears it away", async () => {
    const worker = await registerWorker(world);
    const one = await reopenedUnderAnOldCancel(worker);
    const claimed = await claimOne(world, worker, one);
    expect(claimed).toMatchObject({ gen: 2, inbox: [] });
    expect(await commitOne(world, worker, releaseOf(claimed, 3_600_000))).toMatchObject({
      released: true,
      mail: false,
    });
    await age(2);
    expect(await sweptIds()).not.toContain(one.executionId);
    await createSweepStore(world.dispatcher).clearInbox(100);
    expect(await countOf(world, "inbox", one)).toBe(0);
  });

  it("shows it once the generation is not compared", async () => {
    const worker = await registerWorker(world);
    const one = await reopenedUnderAnOldCancel(worker);
    const blind = (sql: string) => sql.replace("and i.gen = e.gen)", ")");
    const claimed = await withMutation(world, "execution_read", blind, () => claimOne(world, worker, one));
    expect(claimed.inbox).toMatchObject([{ kind: "cancel" }]);
  });

  it("drops the end of a child that an earlier generation of its parent waited for", async () => {
    const worker = await registerWorker(world);
    const { parent, child, claimed } = await family(worker);
    await commitOne(world, worker, failedEnd(claimed));
    expect(await retry(parent)).toBe("retried");
    await commitOne(world, worker, endOf(await claimOne(world, worker, child)));
    expect(await countOf(world, "inbox", parent)).toBe(0);
  });

  it("fences off the holder of the run before", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    await commitOne(world, worker, failedEnd(claimed));
    await retry(one);
    expect(await commitOne(world, worker, itemOf({ ...claimed, seq: claimed.seq + 1 }))).toEqual({ kind: "fenced" });
  });
});

describe("T12: a start reads `paused`, a resume commits, the start commits `held`", () => {
  it("makes the resume wait for starts that read the workflow as paused, and frees what they held", async () => {
    const { starting, start } = await startReadingPaused();
    const resuming = await openSession(world, "app");
    const resumed = workflowResume(inSession(world, resuming), start.tenantId, start.workflowId);
    await untilBlocked(world, resuming.pid);
    await starting.client.query("commit");
    expect(await resumed).toBe(1);
    expect(await factsOf(world, start)).toMatchObject({ held: false, due: true });
  });

  it("leaves it held for ever once a start does not lock the workflow it reads", async () => {
    const unlocked = (sql: string) => sql.replace(" for share;", ";");
    await withMutation(world, "execution_start", unlocked, async () => {
      const { starting, start } = await startReadingPaused();
      expect(await workflowResume(world.app, start.tenantId, start.workflowId)).toBe(0);
      await starting.client.query("commit");
      expect(await factsOf(world, start)).toMatchObject({ held: true, due: false });
    });
  });

  it("makes a start wait for the resume under way, and does not hold it", async () => {
    const { one, resuming } = await resumeUnderWay();
    const start = { ...one, executionId: newId() };
    const starting = await openSession(world, "app");
    const started = executionStart(inSession(world, starting), startRequest(start));
    await untilBlocked(world, starting.pid);
    await resuming.client.query("commit");
    expect(await started).toMatchObject({ kind: "started", held: false });
  });

  it("makes a child's birth wait for the resume of its workflow, and does not hold it", async () => {
    const worker = await registerWorker(world);
    const { one, resuming } = await resumeUnderWay();
    const parent = await startOne(world, { tenantId: one.tenantId });
    const claimed = await claimOne(world, worker, parent);
    const childId = newId();
    const child = { ...childOf(parent, childId), workflowId: one.workflowId, versionId: one.versionId };
    const committing = await openSession(world, "worker");
    const committed = executionCommit(inSession(world, committing), worker, one.tenantId, [
      itemOf(claimed, { children: [child] }),
    ]);
    await untilBlocked(world, committing.pid);
    await resuming.client.query("commit");
    await committed;
    expect(await factsOf(world, { ...one, executionId: childId })).toMatchObject({ held: false, due: true });
  });

  it("makes a retry wait for the resume under way, and does not hold it", async () => {
    const worker = await registerWorker(world);
    const ended = await startOne(world);
    await commitOne(world, worker, failedEnd(await claimOne(world, worker, ended)));
    await workflowPause(world.app, ended.tenantId, ended.workflowId);
    const resuming = await openSession(world, "app");
    await resuming.client.query("begin");
    await workflowResume(inSession(world, resuming), ended.tenantId, ended.workflowId);
    const retried = retry(ended);
    await eventually(async () => {
      const { rows } = await world.admin.query(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%execution_retry%' and datname = current_database()",
      );
      if (rows.length === 0) throw new Error("The retry waits for no lock");
    });
    await resuming.client.query("commit");
    expect(await retried).toBe("retried");
    expect(await factsOf(world, ended)).toMatchObject({ held: false, due: true });
  });

  it("lets a cancel pass a hold", async () => {
    const worker = await registerWorker(world);
    const { starting, start } = await startReadingPaused();
    await starting.client.query("commit");
    await executionNotify(world.app, start.tenantId, start.executionId, { kind: "cancel" });
    await age(2);
    expect(await sweptIds()).toContain(start.executionId);
    const claimed = await claimOne(world, worker, start);
    expect(claimed).toMatchObject({ held: true, status: "queued", inbox: [{ kind: "cancel" }] });
  });

  /** A start within an open transaction, after it has read its workflow as paused. */
  async function startReadingPaused() {
    const tenantId = await world.tenant();
    const of = await world.workflow(tenantId, NO_STEPS);
    await workflowPause(world.app, tenantId, of.workflowId);
    const start = { tenantId, executionId: newId(), ...of };
    const starting = await openSession(world, "app");
    await starting.client.query("begin");
    expect(await executionStart(inSession(world, starting), startRequest(start))).toMatchObject({ held: true });
    return { starting, start };
  }

  async function resumeUnderWay() {
    const one = await startOne(world);
    await workflowPause(world.app, one.tenantId, one.workflowId);
    const resuming = await openSession(world, "app");
    await resuming.client.query("begin");
    await workflowResume(inSession(world, resuming), one.tenantId, one.workflowId);
    return { one, resuming };
  }
});

function http(id: string) {
  return { id, type: "http", config: { method: "POST", url: "http://example.test/", body: {} } };
}

function failedEnd(claimed: Parameters<typeof endOf>[0]) {
  const error = { code: "HTTP_STATUS" as const, message: "no" };
  return endOf(claimed, {
    events: [{ type: "execution.failed" }],
    status: "failed",
    end: { output: null, error, parent: claimed.parent },
  });
}

/** As it stands now. */
async function retry(one: Started): Promise<string> {
  const { gen, seq } = await factsOf(world, one);
  return executionRetry(world.app, {
    ...one,
    gen,
    seq,
    events: [{ type: "execution.retried" }],
    steps: [],
    summary: { progress: {}, current: [], retrying: null },
    deadlineAt: null,
    nowAt: Date.now(),
    parentGen: null,
  });
}
