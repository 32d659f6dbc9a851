// What the engine may rely on of its store, whatever the store is made of: what goes in comes out, one holder at a time,
// ended is ended, and what nobody holds is found.
import { pendingStep, type ChildStart, type StepState } from "@keelson/engine";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createExecutionStore,
  createSweepStore,
  executionRead,
  executionRetry,
  workflowPause,
  workflowResume,
} from "../src/index.ts";
import {
  claimOne,
  commitOne,
  countOf,
  endOf,
  factsOf,
  itemOf,
  NO_STEPS,
  registerWorker,
  releaseOf,
  startOne,
  succeededStep,
  type Started,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
let worker: string;
beforeAll(async () => {
  world = await createWorld();
  worker = await registerWorker(world, 600_000);
});
afterAll(() => world.close());

/** Given back and claimed anew, so that everything has been through PostgreSQL. */
async function claimedAgain(one: Started) {
  await createExecutionStore(world.worker).letGo(worker, [one], 0);
  return claimOne(world, worker, one);
}

describe("what is committed", () => {
  it("comes back at the next claim as it was", async () => {
    const one = await startOne(world, { input: { b: [1, null, "x"], a: { "": -0.5 } } });
    const claimed = await claimOne(world, worker, one);
    const at = claimed.nowAt;
    const steps: StepState[] = [
      succeededStep(
        "done",
        { z: 1, a: [true, null] },
        { startedAt: at - 20, sentAt: at - 10, finishedAt: at - 5, branch: "yes" },
      ),
      succeededStep("nothing", null, { finishedAt: at }),
      {
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
        childId: newId(),
        startedAt: at - 30_000,
        sentAt: at - 1_000,
        reason: { code: "RETRY_SCHEDULED", values: { attempt: 3 } },
      },
    ];
    await commitOne(world, worker, itemOf(claimed, { steps, labels: { order: "42" } }));
    const again = await claimedAgain(one);
    expect(JSON.stringify(again.input)).toBe('{"b":[1,null,"x"],"a":{"":-0.5}}');
    expect(again).toMatchObject({ seq: 2, status: "running", labels: { order: "42" }, startedAt: claimed.startedAt });
    const byId = new Map(again.steps.map((step) => [step.id, step]));
    expect(byId.get("done")).toEqual(steps[0]);
    expect(byId.get("nothing")).toEqual(steps[1]);
    // Written relative to PostgreSQL's now: later by what the commit took, never earlier.
    const { dueAt, ...rest } = byId.get("again")!;
    const { dueAt: dueBefore, ...restBefore } = steps[2]!;
    expect(rest).toEqual(restBefore);
    expect(dueAt!).toBeGreaterThanOrEqual(dueBefore!);
    expect(JSON.stringify(rest.input)).toBe(JSON.stringify(restBefore.input));
  });

  it("leaves large outputs where they are until they are named, and never more than a bound comes along", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const small = "s".repeat(8_000);
    const steps = [
      succeededStep("large", "l".repeat(9_000)),
      ...Array.from({ length: 40 }, (_, n) => succeededStep(`small-${String(n).padStart(2, "0")}`, small)),
    ];
    await commitOne(world, worker, itemOf(claimed, { steps }));
    const again = await claimedAgain(one);
    const kinds = new Map(again.steps.map((step) => [step.id, step.output.kind]));
    expect(kinds.get("large")).toBe("stored");
    expect(kinds.get("small-00")).toBe("value");
    expect(kinds.get("small-39")).toBe("stored");
    expect(JSON.stringify(again.steps).length).toBeLessThan(300_000);
    const outputs = await createExecutionStore(world.worker).loadOutputs(one, ["large", "small-39", "unknown"]);
    expect([...outputs.keys()].sort()).toEqual(["large", "small-39"]);
    expect(outputs.get("small-39")).toBe(small);
  });

  it("keeps a stored output and a frozen input that the holder has left out", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const running: StepState = { ...pendingStep("a"), status: "running", attempt: 1, input: { frozen: true } };
    await commitOne(world, worker, itemOf(claimed, { steps: [running] }));
    await commitOne(
      world,
      worker,
      itemOf({ ...claimed, seq: 2 }, { steps: [{ ...running, input: null, output: { kind: "stored" } }] }),
    );
    const again = await claimedAgain(one);
    expect(again.steps).toMatchObject([{ id: "a", input: { frozen: true }, output: { kind: "none" } }]);
  });

  it("is a history without a gap, one batch a commit, after execution.queued", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const events = [{ type: "execution.running" }, { type: "step.running", stepId: "a", attempt: 1, data: { n: 1 } }];
    await commitOne(world, worker, itemOf(claimed, { events }));
    await commitOne(world, worker, endOf({ ...claimed, seq: 3 }));
    const { rows } = await world.admin.query(
      "select first_seq, last_seq, items from keelson.event_batches where execution_id = $1 order by 1",
      [one.executionId],
    );
    expect(rows).toEqual([
      { first_seq: 2, last_seq: 3, items: events },
      { first_seq: 4, last_seq: 4, items: [{ type: "execution.succeeded" }] },
    ]);
  });

  it("records a finished attempt once", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
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
    await commitOne(world, worker, itemOf(claimed, { attempts: [attempt] }));
    const twice = commitOne(world, worker, itemOf({ ...claimed, seq: 2 }, { attempts: [attempt] }));
    await expect(twice).rejects.toThrow("duplicate key");
    expect(await countOf(world, "attempts", one)).toBe(1);
  });

  it("records no attempt as ended before it began, where the worker's estimate of the time is ahead", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const startedAt = claimed.nowAt + 60_000;
    const attempt = { stepId: "a", iter: 1, attempt: 1, startedAt, outcome: "succeeded" as const };
    const rest = { error: null, nextAttemptAt: null, idempotencyKey: null, request: null, response: null };
    await commitOne(world, worker, itemOf(claimed, { attempts: [{ ...attempt, ...rest }] }));
    const query = "select finished_at >= started_at as ordered from keelson.attempts where execution_id = $1";
    expect((await world.admin.query(query, [one.executionId])).rows).toEqual([{ ordered: true }]);
  });
});

describe("a lease", () => {
  it("that is given back for later is nobody's, and is not taken before its time", async () => {
    const one = await startOne(world);
    const store = createExecutionStore(world.worker);
    await claimOne(world, worker, one);
    await store.letGo(worker, [one], 30_000);
    const [answer] = await store.claim(worker, [one]);
    expect(answer?.kind === "tooEarly" && answer.inMs).toBeGreaterThan(29_000);
    expect(await factsOf(world, one)).toMatchObject({ owner: null, epoch: "2" });
  });

  it("is given to one of fifty who ask at once", async () => {
    const one = await startOne(world);
    const store = createExecutionStore(world.worker);
    const answers = (await Promise.all(Array.from({ length: 50 }, () => store.claim(worker, [one])))).flat();
    expect(answers.filter((answer) => answer.kind === "claimed")).toHaveLength(1);
    expect(await factsOf(world, one)).toMatchObject({ owner: worker, epoch: "1" });
  });

  it("is given to no worker that is dead, retired or unknown", async () => {
    const one = await startOne(world);
    const store = createExecutionStore(world.worker);
    const dead = await registerWorker(world);
    await world.admin.query("update keelson.workers set lease_until = now() where id = $1", [dead]);
    for (const id of [dead, "999999"]) expect(await store.claim(id, [one])).toMatchObject([{ kind: "none" }]);
    expect(await store.claim(worker, [one])).toMatchObject([{ kind: "claimed" }]);
  });

  it("is answered for each that was asked for, of whatever tenants", async () => {
    const [a, b] = [await startOne(world), await startOne(world)];
    const unknown = { tenantId: a.tenantId, executionId: newId() };
    const answers = await createExecutionStore(world.worker).claim(worker, [a, b, unknown]);
    const kinds = answers.map((answer) =>
      answer.kind === "claimed" ? [answer.execution.executionId, "claimed"] : [answer.ref.executionId, answer.kind],
    );
    expect(Object.fromEntries(kinds)).toEqual({
      [a.executionId]: "claimed",
      [b.executionId]: "claimed",
      [unknown.executionId]: "none",
    });
  });

  it("begins its execution, and the time it has, at the first claim alone", async () => {
    const one = await startOne(world);
    await world.admin.query("update keelson.executions set timeout_ms = 60000 where id = $1", [one.executionId]);
    const first = await claimOne(world, worker, one);
    expect(first).toMatchObject({ startedAt: first.nowAt, status: "queued" });
    expect(first.deadlineAt! - first.nowAt).toBeGreaterThanOrEqual(60_000);
    expect(first.deadlineAt! - first.nowAt).toBeLessThanOrEqual(60_001);
    const again = await claimedAgain(one);
    expect(again).toMatchObject({ startedAt: first.startedAt, deadlineAt: first.deadlineAt, epoch: 3 });
  });

  it("is not given back while there is mail, and is due at the earliest of its waits", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    expect(await commitOne(world, worker, releaseOf(claimed, 5_000))).toEqual({
      kind: "applied",
      released: true,
      mail: false,
    });
    const [early] = await createExecutionStore(world.worker).claim(worker, [one]);
    if (early?.kind !== "tooEarly") throw new Error(`Not too early: ${early?.kind}`);
    expect(early.inMs).toBeGreaterThan(4_000);
    expect(early.inMs).toBeLessThanOrEqual(5_000);
  });
});

describe("an ended execution", () => {
  it("is free, told to its waiting parent, and changes by a retry alone", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    await commitOne(world, worker, endOf(claimed, { steps: [succeededStep("a", 1)] }));
    expect(await factsOf(world, one)).toMatchObject({ status: "succeeded", owner: null, output: { done: true } });
    expect(await createExecutionStore(world.worker).claim(worker, [one])).toMatchObject([{ kind: "none" }]);
    expect(await createExecutionStore(world.worker).loadChildResult(one.tenantId, one.executionId)).toEqual({
      status: "succeeded",
      output: { done: true },
    });
    const change = "update keelson.executions set status = 'failed', error = '{}', output = null where id = $1";
    await expect(world.admin.query(change, [one.executionId])).rejects.toThrow("it changes by a retry alone");
  });

  it("has finished step runs that no commit changes", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    await commitOne(world, worker, itemOf(claimed, { steps: [succeededStep("a", 1)] }));
    const rewrite = commitOne(world, worker, itemOf({ ...claimed, seq: 2 }, { steps: [succeededStep("a", 2)] }));
    await expect(rewrite).rejects.toThrow("a finished step run does not change");
    const anew = { ...pendingStep("a"), iter: 2 };
    expect(await commitOne(world, worker, itemOf({ ...claimed, seq: 2 }, { steps: [anew] }))).toMatchObject({
      kind: "applied",
    });
  });

  it("goes on by a retry under the next generation, once for two who ask", async () => {
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const error = { code: "HTTP_STATUS" as const, message: "500", step: "a" };
    const failed: StepState = { ...pendingStep("a"), status: "failed", attempt: 1, failures: 1, error };
    await commitOne(
      world,
      worker,
      endOf(claimed, {
        events: [{ type: "execution.failed" }],
        status: "failed",
        steps: [failed],
        end: { output: null, error, parent: null },
      }),
    );
    const read = await executionRead(world.app, one.tenantId, one.executionId);
    expect(read).toMatchObject({ status: "failed", error, steps: [{ status: "failed" }] });
    const reopening = {
      ...one,
      gen: read!.gen,
      seq: read!.seq,
      events: [{ type: "execution.queued" }],
      steps: [{ ...pendingStep("a"), iter: 2, keyIter: 2 }],
      summary: { progress: { pending: 1 }, current: [], retrying: null },
      deadlineAt: null,
      nowAt: read!.nowAt,
      parentGen: null,
    };
    const verdicts = await Promise.all([1, 2].map(() => executionRetry(world.app, reopening)));
    expect(verdicts.sort()).toEqual(["retried", "stale"]);
    const again = await claimOne(world, worker, one);
    expect(again).toMatchObject({
      gen: 2,
      seq: 3,
      failing: null,
      steps: [{ status: "pending", iter: 2, error: null }],
    });
  });
});

describe("children", () => {
  it("are born with their parent's commit, and tell it of their end", async () => {
    const parent = await startOne(world, { input: 1 });
    const claimed = await claimOne(world, worker, parent);
    const child = childOf(parent, { deadlineAt: claimed.nowAt + 3_600_000, input: null });
    await commitOne(world, worker, releaseOf(claimed, null, { children: [child] }));
    const ref = { ...parent, executionId: child.executionId };
    const held = await claimOne(world, worker, ref);
    expect(held).toMatchObject({ input: null, nesting: 1, deadlineAt: child.deadlineAt, parent: child.parent });
    await commitOne(world, worker, endOf(held));
    expect(await createExecutionStore(world.worker).readInbox(parent)).toMatchObject([
      { kind: "childEnded", stepId: "call", sourceId: child.executionId },
    ]);
    const woken = await claimOne(world, worker, parent);
    const { id } = woken.inbox[0]!;
    expect(await commitOne(world, worker, releaseOf(woken, 60_000, { eaten: [id] }))).toMatchObject({ mail: false });
  });

  it("are cancelled with their parent, but for those that have ended", async () => {
    const parent = await startOne(world);
    const claimed = await claimOne(world, worker, parent);
    const children = [childOf(parent), childOf(parent)];
    const ids = children.map(({ executionId }) => executionId);
    await commitOne(world, worker, itemOf(claimed, { children }));
    await commitOne(world, worker, endOf(await claimOne(world, worker, { ...parent, executionId: ids[0]! })));
    await commitOne(world, worker, itemOf({ ...claimed, seq: 2 }, { cancels: ids }));
    const mail = await Promise.all(ids.map((executionId) => countOf(world, "inbox", { ...parent, executionId })));
    expect(mail).toEqual([0, 1]);
  });

  it("are held where their workflow is paused, due by their deadline alone, and start on resume", async () => {
    const parent = await startOne(world);
    const claimed = await claimOne(world, worker, parent);
    const of = await world.workflow(parent.tenantId, NO_STEPS);
    await workflowPause(world.app, parent.tenantId, of.workflowId);
    const children = [childOf(parent, of), childOf(parent, { ...of, deadlineAt: claimed.nowAt - 1 })];
    await commitOne(world, worker, itemOf(claimed, { children }));
    const [waits, late] = children.map(({ executionId }) => ({ ...parent, executionId }));
    expect(await factsOf(world, waits!)).toMatchObject({ held: true, due: false, sweep_at: null });
    const store = createExecutionStore(world.worker);
    expect(await store.claim(worker, [waits!])).toMatchObject([{ kind: "none" }]);
    const swept = await createSweepStore(world.dispatcher).sweepDue(100);
    expect(swept.map(({ executionId }) => executionId)).toContain(late!.executionId);
    // Its deadline is past: it may be claimed, held as it is, to be ended.
    expect(await claimOne(world, worker, late!)).toMatchObject({ held: true, status: "queued" });
    expect(await workflowResume(world.app, parent.tenantId, of.workflowId)).toBe(2);
    expect(await claimOne(world, worker, waits!)).toMatchObject({ held: false });
  });
});

describe("a hold that is lifted while somebody has the lease", () => {
  it("makes the execution due when it is given back, by a commit and by letting go", async () => {
    for (const giveBack of ["commit", "letGo"] as const) {
      const parent = await startOne(world);
      const of = await world.workflow(parent.tenantId, NO_STEPS);
      await workflowPause(world.app, parent.tenantId, of.workflowId);
      const claimed = await claimOne(world, worker, parent);
      const child = childOf(parent, { ...of, deadlineAt: claimed.nowAt - 1 });
      await commitOne(world, worker, itemOf(claimed, { children: [child] }));
      const ref = { ...parent, executionId: child.executionId };
      const held = await claimOne(world, worker, ref);
      await workflowResume(world.app, parent.tenantId, of.workflowId);
      if (giveBack === "letGo") await createExecutionStore(world.worker).letGo(worker, [ref], 0);
      else await commitOne(world, worker, releaseOf(held, null, { status: "queued" }));
      expect(await factsOf(world, ref)).toMatchObject({ status: "queued", owner: null, held: false, due: true });
    }
  });
});

function childOf(parent: Started, changes: Partial<ChildStart> = {}): ChildStart {
  return {
    executionId: newId(),
    workflowId: parent.workflowId,
    workflowName: "child",
    versionId: parent.versionId,
    version: 1,
    input: { from: "parent" },
    trigger: { type: "subworkflow" },
    timeoutMs: null,
    deadlineAt: null,
    nesting: 1,
    parent: { executionId: parent.executionId, stepId: "call", gen: 1 },
    quietFailure: true,
    trace: null,
    ...changes,
  };
}
