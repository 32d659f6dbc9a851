// Traps of the commit: answers lost, leases released too soon, data that PostgreSQL refuses, groups that share a call.
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pendingStep, UnstorableError, type CommitItem } from "@keelson/engine";
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import {
  createExecutionStore,
  createSweepStore,
  executionClaim,
  executionCommit,
  executionCommitOutcome,
  executionNotify,
  type Database,
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
  openSession,
  registerWorker,
  releaseOf,
  startOne,
  succeededStep,
  untilBlocked,
  withMutation,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** Two events, a finished step and its attempt. */
function fullItem(claimed: Parameters<typeof itemOf>[0], changes: Partial<CommitItem> = {}): CommitItem {
  return itemOf(claimed, {
    events: [{ type: "execution.running" }, { type: "step.succeeded", stepId: "a", attempt: 1 }],
    steps: [succeededStep("a", { n: 1 })],
    attempts: [
      {
        stepId: "a",
        iter: 1,
        attempt: 1,
        startedAt: claimed.nowAt,
        outcome: "succeeded",
        error: null,
        nextAttemptAt: null,
        idempotencyKey: "k",
        request: null,
        response: null,
      },
    ],
    progress: true,
    ...changes,
  });
}

/** The worker's database, whose answer to the first commit is lost: before the statement was carried out, or after. */
function losingAnswers(when: "before" | "after"): Database {
  let lost = false;
  return {
    ...world.worker,
    async call(query, values) {
      const lose = !lost && query.name === "execution_commit";
      lost ||= lose;
      if (lose && when === "before") throw new Error("Connection terminated unexpectedly");
      const rows = await world.worker.call(query, values);
      if (lose) throw new Error("Connection terminated unexpectedly");
      return rows as never;
    },
  };
}

describe("T6: the answer of a COMMIT is lost", () => {
  it("takes a commit sent again for what it is: applied once", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const item = fullItem(await claimOne(world, worker, one));
    expect(await commitOne(world, worker, item)).toMatchObject({ kind: "applied" });
    expect(await commitOne(world, worker, item)).toEqual({ kind: "fenced" });
    expect(await factsOf(world, one)).toMatchObject({ seq: 3 });
    expect(await countOf(world, "event_batches", one)).toBe(1);
    const [outcome] = await executionCommitOutcome(world.worker, worker, one.tenantId, [item]);
    expect(outcome).toMatchObject({ kind: "applied" });
  });

  it.each([
    { change: "losses = 1", kind: "applied" },
    { change: "epoch = epoch + 1", kind: "fenced" },
  ])("judges a row that it waited for as it is now: $kind after `$change`", async ({ change, kind }) => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const item = itemOf(await claimOne(world, worker, one));
    const [writing, committing] = [await openSession(world, "admin"), await openSession(world, "worker")];
    await writing.client.query("begin");
    await writing.client.query(`update keelson.executions set ${change} where id = $1`, [one.executionId]);
    const verdicts = executionCommit(inSession(world, committing), worker, one.tenantId, [item]);
    await untilBlocked(world, committing.pid);
    await writing.client.query("commit");
    expect(await verdicts).toMatchObject([{ kind }]);
    expect(await factsOf(world, one)).toMatchObject({
      seq: kind === "applied" ? item.seq + item.events.length : item.seq,
    });
  });

  it("would by the epoch alone be stopped by the history's own key, and by nothing else", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const item = itemOf(await claimOne(world, worker, one));
    const epochAlone = (sql: string) => sql.replace("and e.epoch = x.epoch and e.seq = x.seq", "and e.epoch = x.epoch");
    await withMutation(world, "execution_commit", epochAlone, async () => {
      await commitOne(world, worker, item);
      await expect(commitOne(world, worker, item)).rejects.toThrow("event_batches_pkey");
      await world.admin.query("delete from keelson.event_batches where execution_id = $1", [one.executionId]);
      expect(await commitOne(world, worker, item)).toMatchObject({ kind: "applied" });
    });
  });

  it.each(["before", "after"] as const)(
    "says `applied`, and applies once, when the answer was lost %s the commit",
    async (when) => {
      const worker = await registerWorker(world);
      const one = await startOne(world);
      const store = createExecutionStore(losingAnswers(when));
      const verdict = await store.commit(worker, fullItem(await claimOne(world, worker, one)));
      expect(verdict).toEqual({ kind: "applied", released: false, mail: false });
      expect(await countOf(world, "event_batches", one)).toBe(1);
      expect(await countOf(world, "attempts", one)).toBe(1);
    },
  );

  it("says so of an execution that ended or was released with the lost answer", async () => {
    const worker = await registerWorker(world);
    const [ending, waiting] = [await startOne(world), await startOne(world)];
    const end = endOf(await claimOne(world, worker, ending));
    const release = releaseOf(await claimOne(world, worker, waiting), null);
    expect(await createExecutionStore(losingAnswers("after")).commit(worker, end)).toMatchObject({
      kind: "applied",
      released: true,
    });
    expect(await createExecutionStore(losingAnswers("after")).commit(worker, release)).toMatchObject({
      kind: "applied",
      released: true,
    });
  });

  it("does not take another's commit for its own", async () => {
    const [lost, next] = [await registerWorker(world), await registerWorker(world)];
    const one = await startOne(world);
    const item = itemOf(await claimOne(world, lost, one));
    await world.admin.query("update keelson.workers set lease_until = now() - interval '1 s' where id = $1", [lost]);
    await createSweepStore(world.dispatcher).reap(1000);
    await commitOne(world, next, itemOf(await claimOne(world, next, one)));
    expect(await createExecutionStore(losingAnswers("before")).commit(lost, item)).toEqual({ kind: "fenced" });
  });

  it("survives the end of the very connection that commits", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const item = fullItem(await claimOne(world, worker, one));
    const locking = await openSession(world, "admin");
    await locking.client.query("begin");
    await locking.client.query("select from keelson.executions where id = $1 for update", [one.executionId]);
    const verdict = createExecutionStore(world.worker).commit(worker, item);
    await eventually(async () => {
      const { rows } = await world.admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%execution_commit%'`,
      );
      if (rows.length === 0) throw new Error("The commit waits for no lock yet");
    });
    await locking.client.query("rollback");
    expect(await verdict).toMatchObject({ kind: "applied" });
    expect(await countOf(world, "event_batches", one)).toBe(1);
  });
});

describe("T8: one branch waits while another's attempt runs", () => {
  it("keeps the lease until the attempt has ended; nobody else is given the execution", async () => {
    const tenantId = await world.tenant();
    const of = await world.workflow(tenantId, {
      steps: [
        { id: "nap", type: "delay", config: { for: 3_600_000 } },
        { id: "work", type: "http", config: { method: "POST", url: "http://example.test/", body: {} } },
      ],
    });
    const one = await startOne(world, { tenantId, of });
    const [rig, other] = [createRig(world), createRig(world)];
    await Promise.all([rig.runner.tick(), other.runner.tick()]);
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await executionNotify(world.app, tenantId, one.executionId, { kind: "wake", stepId: "unknown" });
    await world.admin.query("update keelson.inbox set at = at - interval '5 s'");
    const sweeps = createSweepStore(world.dispatcher);
    const found = [...(await sweeps.sweepDue(1000)), ...(await sweeps.sweepInbox(1000)), ...(await sweeps.reap(1000))];
    expect(found.map((ref) => ref.executionId)).not.toContain(one.executionId);
    await other.runner.offer(one);
    expect(other.effects).toEqual([]);
    expect(await factsOf(world, one)).toMatchObject({ status: "running", owner: rig.workerId(), epoch: "1" });
    rig.effects[0]!.succeed(null);
    await eventually(async () => expect(await factsOf(world, one)).toMatchObject({ status: "waiting", owner: null }));
    expect(rig.effects).toHaveLength(1);
    await Promise.all([rig.stop(), other.stop()]);
  });
});

describe("T9: PostgreSQL refuses a commit for its data", () => {
  const deep = JSON.parse("[".repeat(20_000) + "]".repeat(20_000));
  it.each<[string, Partial<CommitItem>]>([
    ["a NUL in an event (22P05)", { events: [{ type: "x", data: { text: "\0" } }] }],
    ["the same step twice (21000)", { steps: [succeededStep("a", 1), succeededStep("a", 2)] }],
    ["an attempt recorded before (23505)", { attempts: [attempt(), attempt()] }],
    ["a label that no index takes (54000)", { labels: { order: randomBytes(20_000).toString("hex") } }],
    ["JSON nested beyond the stack (RangeError)", { events: [{ type: "x", data: { deep } }] }],
    ["a state that cannot be (23514)", { status: "failed", end: { output: null, error: null, parent: null } }],
  ])("fails that one alone, for good, and commits its neighbours: %s", async (_name, changes) => {
    const worker = await registerWorker(world);
    const tenantId = await world.tenant();
    const store = createExecutionStore(world.worker);
    const claimed = [];
    for (let count = 0; count < 6; count += 1) {
      claimed.push(await claimOne(world, worker, await startOne(world, { tenantId })));
    }
    // The first two are under way at once; the others wait, and so share a call.
    const settled = await Promise.allSettled(
      claimed.map((one, index) => store.commit(worker, index === 4 ? fullItem(one, changes) : fullItem(one))),
    );
    const applied = { status: "fulfilled", value: { kind: "applied" } };
    const refused = { status: "rejected", reason: expect.any(UnstorableError) };
    expect(settled).toMatchObject([applied, applied, applied, applied, refused, applied]);
    expect(await factsOf(world, claimed[4]!)).toMatchObject({ seq: 1, owner: worker });
    expect(await countOf(world, "step_runs", claimed[4]!)).toBe(0);
    expect(await commitOne(world, worker, fullItem(claimed[4]!))).toMatchObject({ kind: "applied" });
  });

  it("becomes that step's failure, not a loop", async () => {
    const tenantId = await world.tenant();
    const work = { id: "work", type: "http", config: { method: "POST", url: "http://example.test/", body: {} } };
    const one = await startOne(world, { tenantId, of: await world.workflow(tenantId, { steps: [work] }) });
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    rig.effects[0]!.end({ outcome: { kind: "succeeded", output: 1 }, request: null, response: { body: "\0" } });
    await eventually(async () =>
      expect(await factsOf(world, one)).toMatchObject({ status: "failed", error: { code: "TOO_LARGE" } }),
    );
    expect(rig.effects).toHaveLength(1);
    expect(rig.log).toEqual([]);
    await rig.stop();
  });

  function attempt() {
    return {
      stepId: "a",
      iter: 1,
      attempt: 1,
      startedAt: 0,
      outcome: "failed" as const,
      error: null,
      nextAttemptAt: null,
      idempotencyKey: null,
      request: null,
      response: null,
    };
  }
});

describe("T10: two group commits lock each other's executions by foreign-key checks", () => {
  /** Each holds one execution and writes to the other's inbox; the first has not committed when the second runs. */
  async function crossing() {
    const worker = await registerWorker(world);
    const tenantId = await world.tenant();
    const [a, b] = [await startOne(world, { tenantId }), await startOne(world, { tenantId })];
    const [mine, theirs] = [await claimOne(world, worker, a), await claimOne(world, worker, b)];
    const [one, two] = [await openSession(world, "worker"), await openSession(world, "worker")];
    for (const { client } of [one, two]) await client.query("begin; set local lock_timeout = '2s'");
    const first = await executionCommit(inSession(world, one), worker, tenantId, [
      itemOf(mine, { cancels: [b.executionId] }),
    ]);
    try {
      const second = await executionCommit(inSession(world, two), worker, tenantId, [
        itemOf(theirs, { cancels: [a.executionId] }),
      ]);
      await two.client.query("commit");
      return { a, b, verdicts: [...first, ...second] };
    } finally {
      await one.client.query("commit");
    }
  }

  it("lets both go on, and both letters arrive", async () => {
    const { a, b, verdicts } = await crossing();
    expect(verdicts).toMatchObject([{ kind: "applied" }, { kind: "applied" }]);
    expect([await countOf(world, "inbox", a), await countOf(world, "inbox", b)]).toEqual([1, 1]);
  });

  it("would block, and deadlock, by FOR UPDATE", async () => {
    const byUpdate = (sql: string) => sql.replace("for no key update of e", "for update of e");
    await withMutation(world, "execution_commit", byUpdate, () =>
      expect(crossing()).rejects.toMatchObject({ code: "55P03" }),
    );
  });

  it("waits for the first of a group before it locks the second, whatever order they are handed over in", async () => {
    const worker = await registerWorker(world);
    const tenantId = await world.tenant();
    const [first, second] = [await startOne(world, { tenantId }), await startOne(world, { tenantId })];
    const items = [await claimOne(world, worker, second), await claimOne(world, worker, first)].map((one) =>
      itemOf(one),
    );
    expect(first.executionId < second.executionId).toBe(true);
    const [holder, group] = [await openSession(world, "admin"), await openSession(world, "worker")];
    const lock = "select from keelson.executions where id = $1 for update";
    await holder.client.query("begin");
    await holder.client.query(lock, [first.executionId]);
    const verdicts = executionCommit(inSession(world, group), worker, tenantId, items);
    await untilBlocked(world, group.pid);
    // Free, or whoever holds the first and wants the second would stand against it.
    await world.admin.query(`${lock} nowait`, [second.executionId]);
    await holder.client.query("commit");
    expect(await verdicts).toMatchObject([{ kind: "applied" }, { kind: "applied" }]);
  });

  it("takes the locks of a group in the order of their ids, whatever order they are handed over in", async () => {
    const worker = await registerWorker(world);
    const tenantId = await world.tenant();
    const store = [];
    for (let count = 0; count < 16; count += 1)
      store.push(await claimOne(world, worker, await startOne(world, { tenantId })));
    const [one, two] = [await openSession(world, "worker"), await openSession(world, "worker")];
    for (let round = 0; round < 20; round += 1) {
      const items = store.map((claimed) => itemOf({ ...claimed, seq: claimed.seq + round }));
      const both = await Promise.all([
        executionCommit(inSession(world, one), worker, tenantId, items),
        executionCommit(inSession(world, two), worker, tenantId, items.toReversed()),
      ]);
      const applied = both.flat().filter((verdict) => verdict.kind === "applied");
      expect(applied).toHaveLength(16);
    }
  });
});

describe("T11: a group commit with a member that is fenced off", () => {
  it("writes nothing of that member: no step, event, attempt, label, child, letter, and eats no mail", async () => {
    const [lost, worker] = [await registerWorker(world), await registerWorker(world)];
    const tenantId = await world.tenant();
    const [good, bad, target] = [
      await startOne(world, { tenantId }),
      await startOne(world, { tenantId }),
      await startOne(world, { tenantId }),
    ];
    const stale = await claimOne(world, worker, bad);
    await world.worker.pool.query("select keelson.execution_let_go($1, $2, $3)", [tenantId, worker, [bad.executionId]]);
    await executionNotify(world.app, tenantId, bad.executionId, { kind: "cancel" });
    const current = await claimOne(world, lost, bad);
    const childId = newId();
    const child = {
      executionId: childId,
      workflowId: bad.workflowId,
      workflowName: "w",
      versionId: bad.versionId,
      version: 1,
      input: null,
      trigger: {},
      timeoutMs: null,
      deadlineAt: null,
      nesting: 1,
      parent: { executionId: bad.executionId, stepId: "c", gen: 1 },
      quietFailure: true,
      trace: null,
    };
    const item = fullItem(stale, {
      labels: { order: "1" },
      children: [child],
      cancels: [target.executionId],
      eaten: current.inbox.map((mail) => mail.id),
    });
    const verdicts = await executionCommit(world.worker, worker, tenantId, [
      item,
      fullItem(await claimOne(world, worker, good), { labels: { order: "2" } }),
    ]);
    expect(verdicts).toMatchObject([{ kind: "fenced" }, { kind: "applied" }]);
    for (const table of ["step_runs", "event_batches", "attempts", "execution_labels"]) {
      expect([table, await countOf(world, table, bad)]).toEqual([table, 0]);
      expect([table, await countOf(world, table, good)]).toEqual([table, 1]);
    }
    expect(await countOf(world, "inbox", bad)).toBe(1);
    expect(await countOf(world, "inbox", target)).toBe(0);
    expect(await factsOf(world, { tenantId, executionId: childId })).toBeUndefined();
    expect(await factsOf(world, bad)).toMatchObject({ seq: 1, owner: lost, epoch: String(current.epoch) });
  });

  it("would write the fenced member's events were they not joined to the rows held", async () => {
    const worker = await registerWorker(world);
    const tenantId = await world.tenant();
    const good = await claimOne(world, worker, await startOne(world, { tenantId }));
    const bad = await claimOne(world, worker, await startOne(world, { tenantId }));
    const unjoined = (sql: string) =>
      sql.replace(`where y."executionId" = any(v_held);\n  if exists`, ";\n  if exists");
    await withMutation(world, "execution_commit", unjoined, () =>
      executionCommit(world.worker, worker, tenantId, [itemOf(good), itemOf({ ...bad, epoch: bad.epoch - 1 })]),
    );
    expect(await countOf(world, "event_batches", bad)).toBe(1);
  });

  it("refuses two batches of one execution in one call, and applies one of them when they are sent by two callers", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const twice = [fullItem(claimed), fullItem(claimed)];
    await expect(executionCommit(world.worker, worker, one.tenantId, twice)).rejects.toMatchObject({
      code: expect.stringMatching(/^2/),
    });
    expect(await factsOf(world, one)).toMatchObject({ seq: 1 });
    const store = createExecutionStore(world.worker);
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => store.commit(worker, fullItem(claimed))));
    expect(verdicts.map((verdict) => verdict.kind).sort()).toEqual(["applied", "fenced", "fenced", "fenced"]);
    expect(await countOf(world, "event_batches", one)).toBe(1);
  });

  it("lets no zombie write: neither under an old epoch, nor once its row was given to another", async () => {
    const [zombie, worker] = [await registerWorker(world), await registerWorker(world)];
    const one = await startOne(world);
    const old = await claimOne(world, zombie, one);
    // Its commit waits for the row while the reaper frees it and another worker claims it.
    const reaping = await openSession(world, "admin");
    await reaping.client.query("begin");
    await reaping.client.query(
      "update keelson.executions set owner = null, epoch = epoch + 1, wake_at = now(), sweep_at = now() where id = $1",
      [one.executionId],
    );
    const late = await openSession(world, "worker");
    const verdict = executionCommit(inSession(world, late), zombie, one.tenantId, [
      fullItem(old, { steps: [{ ...pendingStep("a"), status: "running", attempt: 1 }] }),
    ]);
    await untilBlocked(world, late.pid);
    await reaping.client.query("commit");
    expect(await verdict).toEqual([{ kind: "fenced" }]);
    const [answer] = await executionClaim(world.worker, worker, one.tenantId, [one.executionId]);
    expect(answer).toMatchObject({ kind: "claimed", execution: { seq: 1, steps: [] } });
    expect(await countOf(world, "step_runs", one)).toBe(0);
  });

  it("lets no session commit under an epoch that its own worker has left behind", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const before = await claimOne(world, worker, one);
    // Given back as one that the worker did not know of, and taken again: owner and seq are as they were.
    await createExecutionStore(world.worker).letGo(worker, [one], 0);
    const now = await claimOne(world, worker, one);
    expect([now.seq, now.epoch > before.epoch]).toEqual([before.seq, true]);
    expect(await commitOne(world, worker, fullItem(before))).toEqual({ kind: "fenced" });
    expect(await countOf(world, "event_batches", one)).toBe(0);
    expect(await commitOne(world, worker, fullItem(now))).toMatchObject({ kind: "applied" });
  });

  it("takes no commit from a worker that is not the owner, whatever epoch it names", async () => {
    const [owner, other] = [await registerWorker(world), await registerWorker(world)];
    const one = await startOne(world);
    const claimed = await claimOne(world, owner, one);
    expect(await commitOne(world, other, fullItem(claimed))).toEqual({ kind: "fenced" });
    expect(await countOf(world, "event_batches", one)).toBe(0);
    expect(await factsOf(world, one)).toMatchObject({ owner, seq: claimed.seq });
  });
});
