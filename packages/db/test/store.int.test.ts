// The verdicts of starts, claims, commits, interventions and sweeps, one by one; what they keep is in conformance.int.test.ts.
import type { Json } from "@keelson/contracts";
import { pendingStep } from "@keelson/engine";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { v7 as newId } from "uuid";
import {
  createExecutionStore,
  createLeaseStore,
  createSweepStore,
  deliveryAccept,
  deliveryReject,
  executionClaim,
  executionNotify,
  executionRead,
  executionRetry,
  executionStart,
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
  openSession,
  registerWorker,
  releaseOf,
  startOne,
  startRequest,
  succeededStep,
  type Started,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function newStart(tenantId?: string): Promise<Started> {
  const tenant = tenantId ?? (await world.tenant());
  return { tenantId: tenant, executionId: newId(), ...(await world.workflow(tenant, NO_STEPS)) };
}

const archive = (one: Started) =>
  world.admin.query("update keelson.workflows set status = 'archived', archived_at = now() where id = $1", [
    one.workflowId,
  ]);

const unfinished = async (tenantId: string): Promise<number> =>
  (await world.admin.query("select from keelson.executions where tenant_id = $1", [tenantId])).rowCount ?? 0;

describe("starts", () => {
  const keyed = (one: Started, key: string, body: string) => ({
    ...startRequest(one),
    idempotency: { key, bodyHash: Buffer.from(body) },
  });

  it("answers a key used before with the first execution, and another body under it with `mismatch`", async () => {
    const one = await newStart();
    const again = { ...one, executionId: newId() };
    const started = await executionStart(world.app, keyed(one, "k", "a"));
    expect(started).toEqual({ kind: "started", executionId: one.executionId, held: false });
    const repeat = await executionStart(world.app, keyed(again, "k", "a"));
    expect(repeat).toEqual({ kind: "repeat", executionId: one.executionId });
    expect(await executionStart(world.app, keyed(again, "k", "b"))).toEqual({ kind: "mismatch" });
    expect(await unfinished(one.tenantId)).toBe(1);
  });

  it("refuses archived, unknown and full, none of which uses up the key", async () => {
    const one = await newStart();
    const unknown = await executionStart(world.app, keyed({ ...one, workflowId: newId() }, "k", "a"));
    expect(unknown).toEqual({ kind: "unknown" });
    expect(await executionStart(world.app, { ...keyed(one, "k", "a"), maxUnfinished: 0 })).toEqual({ kind: "full" });
    expect(await executionStart(world.app, { ...keyed(one, "k", "a"), maxUnfinished: 1 })).toMatchObject({
      kind: "started",
    });
    const second = { ...one, executionId: newId() };
    expect(await executionStart(world.app, { ...keyed(second, "k2", "a"), maxUnfinished: 1 })).toEqual({
      kind: "full",
    });
    await archive(one);
    expect(await executionStart(world.app, keyed(second, "k2", "a"))).toEqual({ kind: "archived" });
    expect(await executionStart(world.app, keyed(second, "k", "a"))).toMatchObject({ kind: "repeat" });
    const { rows } = await world.admin.query("select key from keelson.idempotency_keys where tenant_id = $1", [
      one.tenantId,
    ]);
    expect(rows).toEqual([{ key: "k" }]);
  });

  it("does not start a tenant's workflow for another tenant", async () => {
    const one = await newStart();
    const foreign = { ...one, tenantId: await world.tenant() };
    expect(await executionStart(world.app, startRequest(foreign))).toEqual({ kind: "unknown" });
  });
});

describe("deliveries", () => {
  async function hooked() {
    const one = await newStart();
    const hookId = newId();
    await world.admin.query(
      "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'h')",
      [one.tenantId, hookId, one.workflowId],
    );
    const request = (repeatKey: string | null, maxUnfinished: number | null = null) => ({
      tenantId: one.tenantId,
      delivery: {
        id: newId(),
        hookId,
        workflowId: one.workflowId,
        repeatKey,
        headers: {},
        query: {},
        contentType: "application/json",
      },
      body: Buffer.from([0, 255, 10]),
      start: { ...startRequest(one).start, executionId: newId(), triggerType: "webhook" as const },
      maxUnfinished,
    });
    const kept = async () =>
      (
        await world.admin.query(
          "select status, execution_id, body from keelson.deliveries where hook_id = $1 order by id",
          [hookId],
        )
      ).rows;
    return { one, request, kept };
  }

  it("starts one each where there is no id, holds them while the workflow is paused, and refuses full and archived", async () => {
    const { one, request, kept } = await hooked();
    await workflowPause(world.app, one.tenantId, one.workflowId);
    expect(await deliveryAccept(world.app, request(null))).toMatchObject({ kind: "accepted", held: true });
    await workflowResume(world.app, one.tenantId, one.workflowId);
    expect(await deliveryAccept(world.app, request(null))).toMatchObject({ kind: "accepted", held: false });
    expect(await deliveryAccept(world.app, request("x", 2))).toEqual({ kind: "full" });
    await archive(one);
    expect(await deliveryAccept(world.app, request("x"))).toEqual({ kind: "archived" });
    expect(await kept()).toHaveLength(2);
    const refused = request("x");
    await deliveryReject(world.app, { ...refused, reason: { code: "SIGNATURE", text: "t", hint: "h" } });
    expect((await kept()).at(-1)).toMatchObject({ status: "rejected", execution_id: null });
  });
});

describe("claims", () => {
  it("gives an execution whose deadline has passed, though nothing else is due", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    await world.admin.query(
      "update keelson.executions set wake_at = now() + interval '1 h', deadline_at = now() - interval '1 ms' where id = $1",
      [one.executionId],
    );
    expect((await claimOne(world, worker, one)).deadlineAt).toBeLessThan(Date.now() + 60_000);
  });

  it("sets the deadline at the first claim, and leaves it at the next", async () => {
    const worker = await registerWorker(world);
    const one = await newStart();
    await world.admin.query("update keelson.workflow_versions set timeout_ms = 60000 where id = $1", [one.versionId]);
    await executionStart(world.app, startRequest(one));
    const first = await claimOne(world, worker, one);
    expect(first.deadlineAt! - first.nowAt).toBeGreaterThanOrEqual(59_999);
    await commitOne(world, worker, releaseOf(first, 0));
    const second = await claimOne(world, worker, one);
    expect(second.deadlineAt).toBe(first.deadlineAt);
  });
});

describe("commits", () => {
  it("keeps small outputs inline and loads large ones when they are named; null is an output", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const large = "x".repeat(9_000);
    const claimed = await claimOne(world, worker, one);
    const steps = [succeededStep("large", large), succeededStep("none", null), succeededStep("small", { b: 1, a: 2 })];
    await commitOne(world, worker, releaseOf(claimed, 0, { steps }));
    const again = await claimOne(world, worker, one);
    const outputs = Object.fromEntries(again.steps.map((step) => [step.id, step.output]));
    expect(outputs).toEqual({
      large: { kind: "stored" },
      none: { kind: "value", value: null },
      small: { kind: "value", value: { b: 1, a: 2 } },
    });
    const loaded = await createExecutionStore(world.worker).loadOutputs(one, ["large", "small", "unknown"]);
    expect([...loaded.keys()].sort()).toEqual(["large", "small"]);
    expect(loaded.get("large")).toBe(large);
  });

  it("changes no finished step run but under a new iter (I3)", async () => {
    const worker = await registerWorker(world);
    const claimed = await claimOne(world, worker, await startOne(world));
    await commitOne(world, worker, itemOf(claimed, { steps: [succeededStep("a", 1)] }));
    const changed = itemOf({ ...claimed, seq: 2 }, { steps: [succeededStep("a", 2)] });
    await expect(commitOne(world, worker, changed)).rejects.toMatchObject({ code: "23514" });
    const anew = itemOf({ ...claimed, seq: 2 }, { steps: [succeededStep("a", 2, { iter: 2 })] });
    expect(await commitOne(world, worker, anew)).toMatchObject({ kind: "applied" });
  });

  it("tells a parent's store how its child ended, and nothing while it runs", async () => {
    const worker = await registerWorker(world);
    const store = createExecutionStore(world.worker);
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    expect(await store.loadChildResult(one.tenantId, one.executionId)).toBeNull();
    await commitOne(world, worker, endOf(claimed));
    expect(await store.loadChildResult(one.tenantId, one.executionId)).toEqual({
      status: "succeeded",
      output: { done: true },
    });
  });

  it("keeps the keys of payloads in their order, through every hand", async () => {
    const input = JSON.parse('{"z":1,"a":{"y":1,"b":2},"10":3,"2":4}') as Json;
    const text = JSON.stringify(input);
    const worker = await registerWorker(world);
    const one = await startOne(world, { input });
    const claimed = await claimOne(world, worker, one);
    expect(JSON.stringify(claimed.input)).toBe(text);
    const step = { ...pendingStep("a"), status: "running" as const, attempt: 1, input, sentAt: claimed.nowAt };
    await commitOne(world, worker, releaseOf(claimed, 0, { steps: [step, succeededStep("b", input)] }));
    const again = await claimOne(world, worker, one);
    const [a, b] = again.steps;
    expect(JSON.stringify(a?.input)).toBe(text);
    expect(JSON.stringify(b?.output.kind === "value" && b.output.value)).toBe(text);
    await commitOne(world, worker, endOf(again, { end: { output: input, error: null, parent: null } }));
    const ended = await executionRead(world.app, one.tenantId, one.executionId);
    expect(JSON.stringify(ended?.output)).toBe(text);
  });
});

describe("interventions", () => {
  it("answers a cancel and a wake with sent, ended or unknown, and keeps one letter of a kind", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const notify = (wish: Parameters<typeof executionNotify>[3]) =>
      executionNotify(world.app, one.tenantId, one.executionId, wish);
    expect(await notify({ kind: "cancel" })).toBe("sent");
    expect(await notify({ kind: "cancel" })).toBe("sent");
    expect(await notify({ kind: "wake", stepId: "a" })).toBe("sent");
    expect(await notify({ kind: "wake", stepId: "b" })).toBe("sent");
    expect(await countOf(world, "inbox", one)).toBe(3);
    await commitOne(world, worker, endOf(await claimOne(world, worker, one)));
    expect(await notify({ kind: "cancel" })).toBe("ended");
    expect(await executionNotify(world.app, one.tenantId, newId(), { kind: "cancel" })).toBe("unknown");
    const foreign = await world.tenant();
    expect(await executionNotify(world.app, foreign, one.executionId, { kind: "cancel" })).toBe("unknown");
  });

  it("retries what stands as it was seen, once, and calls everything else stale", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const reopening = {
      ...one,
      gen: 1,
      seq: 2,
      events: [{ type: "execution.retried" }],
      steps: [],
      summary: { progress: {}, current: [], retrying: null },
      deadlineAt: null,
      nowAt: Date.now(),
      parentGen: null,
    };
    expect(await executionRetry(world.app, reopening)).toBe("stale");
    await commitOne(world, worker, endOf(await claimOne(world, worker, one)));
    expect(await executionRetry(world.app, { ...reopening, seq: 1 })).toBe("stale");
    const verdicts = await Promise.all([1, 2, 3].map(() => executionRetry(world.app, reopening)));
    expect(verdicts.sort()).toEqual(["retried", "stale", "stale"]);
    expect(await factsOf(world, one)).toMatchObject({ status: "queued", gen: 2, epoch: "2", seq: 3, due: true });
  });

  it("holds what is accepted while paused, children and retries too, and frees all on resume", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const parent = await claimOne(world, worker, await startOne(world, { tenantId: one.tenantId }));
    await commitOne(world, worker, endOf(await claimOne(world, worker, one)));
    expect(await workflowPause(world.app, one.tenantId, one.workflowId)).toBe(true);
    expect(await workflowPause(world.app, one.tenantId, one.workflowId)).toBe(true);
    const start = { ...one, executionId: newId() };
    expect(await executionStart(world.app, startRequest(start))).toMatchObject({ kind: "started", held: true });
    const retried = await executionRetry(world.app, {
      ...one,
      gen: 1,
      seq: 2,
      events: [{ type: "execution.retried" }],
      steps: [],
      summary: { progress: {}, current: [], retrying: null },
      deadlineAt: null,
      nowAt: Date.now(),
      parentGen: null,
    });
    expect(retried).toBe("held");
    const child = { ...one, executionId: newId() };
    await commitOne(
      world,
      worker,
      itemOf(parent, {
        children: [
          {
            ...child,
            workflowName: "w",
            version: 1,
            input: null,
            trigger: {},
            timeoutMs: null,
            deadlineAt: null,
            nesting: 1,
            parent: null,
            quietFailure: false,
            trace: null,
          },
        ],
      }),
    );
    for (const ref of [one, start, child]) {
      expect(await factsOf(world, ref)).toMatchObject({ held: true, wake_at: null, status: "queued" });
      expect(await executionClaim(world.worker, worker, ref.tenantId, [ref.executionId])).toMatchObject([
        { kind: "none" },
      ]);
    }
    expect(await workflowResume(world.app, one.tenantId, one.workflowId)).toBe(3);
    for (const ref of [one, start, child]) expect(await factsOf(world, ref)).toMatchObject({ held: false, due: true });
    expect(await workflowResume(world.app, one.tenantId, one.workflowId)).toBe(0);
    await archive(one);
    expect(await workflowPause(world.app, one.tenantId, one.workflowId)).toBe(false);
    expect(await workflowResume(world.app, one.tenantId, one.workflowId)).toBeNull();
  });
});

describe("sweeps and ticks", () => {
  it("shares what is due among sweepers, tells none twice within seconds, and is bounded", async () => {
    const tenantId = await world.tenant();
    const mine: string[] = [];
    for (let count = 0; count < 20; count += 1) mine.push((await startOne(world, { tenantId })).executionId);
    await world.admin.query("update keelson.executions set sweep_at = now() where tenant_id = $1", [tenantId]);
    const sweeps = createSweepStore(world.dispatcher);
    // And as many more of those tenants that stand behind the oldest.
    expect((await sweeps.sweepDue(1)).length).toBeLessThanOrEqual(2);
    await world.admin.query("update keelson.executions set sweep_at = now() where tenant_id = $1", [tenantId]);
    const found = await Promise.all([1, 2, 3, 4].map(() => sweeps.sweepDue(1000)));
    const ids = found
      .flat()
      .filter((ref) => ref.tenantId === tenantId)
      .map((ref) => ref.executionId);
    expect(ids.sort()).toEqual(mine.sort());
    expect((await sweeps.sweepDue(1000)).filter((ref) => ref.tenantId === tenantId)).toEqual([]);
  });

  it("passes by what another session has locked, and hands the rest on", async () => {
    const tenantId = await world.tenant();
    const [locked, free] = [await startOne(world, { tenantId }), await startOne(world, { tenantId })];
    await world.admin.query("update keelson.executions set sweep_at = now() where tenant_id = $1", [tenantId]);
    const holder = await openSession(world, "admin");
    await holder.client.query("begin");
    await holder.client.query("select from keelson.executions where id = $1 for update", [locked.executionId]);
    const found = await createSweepStore(world.dispatcher).sweepDue(1000);
    await holder.client.query("rollback");
    const mine = found.filter((ref) => ref.tenantId === tenantId).map((ref) => ref.executionId);
    expect(mine).toEqual([free.executionId]);
  });

  it("tells a tick what the worker owns and whether it has mail, and a dead worker that it is dead", async () => {
    const leases = createLeaseStore(world.worker, {
      url: world.workerUrl,
      applicationName: "tick",
      stats: () => ({ load: 1 }),
    });
    world.onClose(() => leases.close());
    const { workerId: worker } = await leases.register("w", 60_000);
    const one = await startOne(world);
    await claimOne(world, worker, one);
    expect((await leases.tick(worker, 60_000)).owned).toMatchObject([{ executionId: one.executionId, mail: false }]);
    await executionNotify(world.app, one.tenantId, one.executionId, { kind: "cancel" });
    expect((await leases.tick(worker, 60_000)).owned).toMatchObject([{ executionId: one.executionId, mail: true }]);
    await leases.retire(worker);
    expect((await leases.tick(worker, 60_000)).alive).toBe(false);
    const { workerId: late } = await leases.register("w", -1);
    expect((await leases.tick(late, 60_000)).alive).toBe(false);
  });
});
