// I6: a trigger that was accepted is an execution in PostgreSQL; the same key, webhook id or fire time is the same one.
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createScheduleStore,
  deliveryAccept,
  deliveryReject,
  executionStart,
  hookFind,
  workflowPause,
  workflowResume,
  type DueSchedule,
} from "../src/index.ts";
import {
  claimOne,
  commitOne,
  endOf,
  factsOf,
  inSession,
  NO_STEPS,
  openSession,
  type PgSession,
  registerWorker,
  startOne,
  startRequest,
  untilBlocked,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function rowsOf(table: string, tenantId: string): Promise<number> {
  const { rows } = await world.admin.query<{ n: number }>(
    `select count(*)::int as n from keelson.${table} where tenant_id = $1`,
    [tenantId],
  );
  return rows[0]!.n;
}

async function archive(workflowId: string): Promise<void> {
  await world.admin.query("update keelson.workflows set status = 'archived', archived_at = now() where id = $1", [
    workflowId,
  ]);
}

describe("a start by the API", () => {
  it("is one execution for a hundred at once with the same key and body", async () => {
    const first = await startOne(world);
    const key = (hash: string) => ({ key: "k", bodyHash: Buffer.from(hash) });
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, () =>
        executionStart(world.app, { ...startRequest({ ...first, executionId: newId() }), idempotency: key("a") }),
      ),
    );
    expect(verdicts.filter(({ kind }) => kind === "started")).toHaveLength(1);
    const ids = new Set(verdicts.map((verdict) => ("executionId" in verdict ? verdict.executionId : verdict.kind)));
    expect(ids.size).toBe(1);
    expect(await rowsOf("executions", first.tenantId)).toBe(2);
    const other = { ...startRequest({ ...first, executionId: newId() }), idempotency: key("b") };
    expect(await executionStart(world.app, other)).toEqual({ kind: "mismatch" });
    // The key is the workflow's own.
    const elsewhere = { ...first, ...(await world.workflow(first.tenantId, NO_STEPS)), executionId: newId() };
    const started = await executionStart(world.app, { ...startRequest(elsewhere), idempotency: key("b") });
    expect(started.kind).toBe("started");
  });

  it("waits for another with its key that is not committed yet, and is a repeat of that", async () => {
    const first = await startOne(world);
    const start = (session: PgSession) =>
      executionStart(inSession(world, session), {
        ...startRequest({ ...first, executionId: newId() }),
        idempotency: { key: "k", bodyHash: Buffer.from("a") },
      });
    const [one, two] = [await openSession(world, "app"), await openSession(world, "app")];
    await one.client.query("begin");
    const earlier = await start(one);
    const later = start(two);
    await untilBlocked(world, two.pid);
    await one.client.query("commit");
    expect(earlier.kind).toBe("started");
    expect(await later).toEqual({ kind: "repeat", executionId: Object(earlier).executionId });
    expect(await rowsOf("executions", first.tenantId)).toBe(2);
  });

  it("is refused by a full tenant and an archived workflow, and a refusal uses up no key", async () => {
    const first = await startOne(world);
    const idempotency = { key: "k", bodyHash: Buffer.from("a") };
    const again = () => ({ ...startRequest({ ...first, executionId: newId() }), idempotency });
    expect(await executionStart(world.app, { ...again(), maxUnfinished: 1 })).toEqual({ kind: "full" });
    expect(await executionStart(world.app, { ...again(), maxUnfinished: 2 })).toMatchObject({ kind: "started" });
    // A repeat is answered though the tenant is full, and the workflow gone.
    expect(await executionStart(world.app, { ...again(), maxUnfinished: 1 })).toMatchObject({ kind: "repeat" });
    await archive(first.workflowId);
    expect(await executionStart(world.app, again())).toMatchObject({ kind: "repeat" });
    const fresh = { ...again(), idempotency: { ...idempotency, key: "other" } };
    expect(await executionStart(world.app, fresh)).toEqual({ kind: "archived" });
    expect(await rowsOf("idempotency_keys", first.tenantId)).toBe(1);
    expect(await executionStart(world.app, { ...fresh, workflowId: newId() })).toEqual({ kind: "unknown" });
  });

  it("is held while its workflow is paused, and due once that is resumed", async () => {
    const first = await startOne(world);
    expect(await workflowPause(world.app, first.tenantId, first.workflowId)).toBe(true);
    const held = { ...first, executionId: newId() };
    expect(await executionStart(world.app, startRequest(held))).toMatchObject({ kind: "started", held: true });
    expect(await factsOf(world, held)).toMatchObject({ held: true, due: false });
    expect(await workflowResume(world.app, first.tenantId, first.workflowId)).toBe(1);
    expect(await workflowResume(world.app, first.tenantId, first.workflowId)).toBe(0);
    expect(await factsOf(world, held)).toMatchObject({ held: false, due: true });
  });
});

describe("a delivery", () => {
  async function hooked() {
    const first = await startOne(world);
    const hookId = newId();
    await world.admin.query(
      "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'orders')",
      [first.tenantId, hookId, first.workflowId],
    );
    const accept = (repeatKey: string | null, maxUnfinished: number | null = null, db = world.app) =>
      deliveryAccept(db, {
        tenantId: first.tenantId,
        delivery: {
          id: newId(),
          hookId,
          workflowId: first.workflowId,
          repeatKey,
          headers: {},
          query: {},
          contentType: null,
        },
        body: Buffer.from("{}"),
        start: {
          executionId: newId(),
          versionId: first.versionId,
          triggerType: "webhook",
          trigger: { type: "webhook" },
          input: {},
        },
        maxUnfinished,
      });
    return { first, hookId, accept };
  }

  it("is one execution for a hundred repeats at once, each of them written down", async () => {
    const { first, hookId, accept } = await hooked();
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => accept("id-1")));
    expect(verdicts.filter(({ kind }) => kind === "accepted")).toHaveLength(1);
    expect(verdicts.filter(({ kind }) => kind === "duplicate")).toHaveLength(99);
    expect(new Set(verdicts.map((verdict) => ("executionId" in verdict ? verdict.executionId : ""))).size).toBe(1);
    expect(await rowsOf("executions", first.tenantId)).toBe(2);
    expect(await rowsOf("deliveries", first.tenantId)).toBe(100);
    expect(await hookFind(world.app, hookId)).toMatchObject({
      tenantId: first.tenantId,
      workflowId: first.workflowId,
      triggerId: "orders",
      workflowStatus: "active",
      version: 1,
    });
    expect(await hookFind(world.app, newId())).toBeNull();
  });

  it("waits for another with its repeat key that is not committed yet, and is a repeat of that", async () => {
    const { first, accept } = await hooked();
    const [one, two] = [await openSession(world, "app"), await openSession(world, "app")];
    await one.client.query("begin");
    const earlier = await accept("id-1", null, inSession(world, one));
    const later = accept("id-1", null, inSession(world, two));
    await untilBlocked(world, two.pid);
    await one.client.query("commit");
    expect(earlier.kind).toBe("accepted");
    expect(await later).toEqual({ kind: "duplicate", executionId: Object(earlier).executionId });
    expect(await rowsOf("executions", first.tenantId)).toBe(2);
  });

  it("is never a repeat without a key", async () => {
    const { first, accept } = await hooked();
    expect([(await accept(null)).kind, (await accept(null)).kind]).toEqual(["accepted", "accepted"]);
    expect(await rowsOf("delivery_keys", first.tenantId)).toBe(0);
  });

  it("that is refused uses up no key, and leaves a row only with its reason", async () => {
    const { first, hookId, accept } = await hooked();
    expect(await accept("id-1", 1)).toEqual({ kind: "full" });
    expect(await rowsOf("deliveries", first.tenantId)).toBe(0);
    await deliveryReject(world.app, {
      tenantId: first.tenantId,
      delivery: {
        id: newId(),
        hookId,
        workflowId: first.workflowId,
        repeatKey: "id-1",
        headers: {},
        query: {},
        contentType: null,
      },
      body: Buffer.from([0, 255]),
      reason: { code: "FULL", text: "full", hint: "wait" },
    });
    const { rows } = await world.admin.query("select status, body from keelson.deliveries where hook_id = $1", [
      hookId,
    ]);
    expect(rows).toEqual([{ status: "rejected", body: Buffer.from([0, 255]) }]);
    expect(await accept("id-1", 2)).toMatchObject({ kind: "accepted" });
    // A repeat of an accepted one is no start: the limit does not concern it.
    expect(await accept("id-1", 1)).toMatchObject({ kind: "duplicate" });
    await archive(first.workflowId);
    expect(await accept("id-2")).toEqual({ kind: "archived" });
  });
});

describe("a schedule's due time", () => {
  const DUE = new Date("2026-03-01T10:00:00Z");
  const LATER = new Date("2026-03-01T10:05:00Z");

  async function scheduled(overlap: "allow" | "skip" = "allow") {
    const first = await startOne(world);
    const worker = await registerWorker(world);
    await commitOne(world, worker, endOf(await claimOne(world, worker, first)));
    const scheduleId = newId();
    await world.admin.query(
      `insert into keelson.schedules
         (tenant_id, id, workflow_id, trigger_id, cron, timezone, missed, overlap, input, next_at)
       values ($1, $2, $3, 'tick', '*/5 * * * *', 'UTC', 'all', $4, '{"z": 1, "a": 2}', $5)`,
      [first.tenantId, scheduleId, first.workflowId, overlap, DUE],
    );
    const store = createScheduleStore(world.dispatcher);
    const due = async (): Promise<DueSchedule> => {
      const found = (await store.due(100)).find((one) => one.scheduleId === scheduleId);
      if (found === undefined) throw new Error("Not due");
      return found;
    };
    const fire = (dueAt: Date, missed = false) => ({ dueAt, executionId: newId(), missed });
    return { ...first, worker, scheduleId, store, due, fire };
  }

  it("fires once, whatever number of schedulers settle it", async () => {
    const { tenantId, store, due, fire } = await scheduled();
    const schedule = await due();
    const settled = await Promise.all(Array.from({ length: 10 }, () => store.settle(schedule, LATER, [fire(DUE)])));
    expect(settled.flat()).toMatchObject([{ status: "fired", dueAt: DUE, held: false }]);
    expect(await rowsOf("executions", tenantId)).toBe(2);
    const { rows } = await world.admin.query(
      "select trigger_type, trigger, input, scheduled_at from keelson.executions where tenant_id = $1 and schedule_id is not null",
      [tenantId],
    );
    expect(rows).toMatchObject([{ trigger_type: "schedule", scheduled_at: DUE }]);
    expect(rows[0].trigger).toEqual({
      type: "schedule",
      id: "tick",
      scheduledAt: "2026-03-01T10:00:00.000Z",
      lastSuccessAt: null,
    });
    expect(JSON.stringify(rows[0].input)).toBe('{"z":1,"a":2}');
  });

  it("is settled by who saw it last: one that is late changes neither it nor the next one", async () => {
    const { tenantId, scheduleId, store, due, fire } = await scheduled();
    const seen = await due();
    expect(await store.settle(seen, LATER, [fire(DUE)])).toHaveLength(1);
    // What it would fire has not fired: all that stops it is that the schedule has gone on.
    const between = new Date("2026-03-01T10:01:00Z");
    expect(await store.settle(seen, between, [fire(between)])).toEqual([]);
    expect(await rowsOf("executions", tenantId)).toBe(2);
    const { rows } = await world.admin.query("select next_at from keelson.schedules where id = $1", [scheduleId]);
    expect(rows).toEqual([{ next_at: LATER }]);
  });

  it("fires once, also where a save has set the schedule back to a time that has fired", async () => {
    const { tenantId, scheduleId, store, due, fire } = await scheduled();
    expect(await store.settle(await due(), LATER, [fire(DUE)])).toHaveLength(1);
    await world.admin.query("update keelson.schedules set next_at = $2 where id = $1", [scheduleId, DUE]);
    expect(await store.settle(await due(), LATER, [fire(DUE)])).toEqual([]);
    expect(await rowsOf("executions", tenantId)).toBe(2);
  });

  it("settles those that were missed with their row and no execution", async () => {
    const { tenantId, store, due, fire } = await scheduled();
    const settled = await store.settle(await due(), null, [fire(LATER), fire(DUE, true)]);
    expect(settled.map(({ status, reason }) => [status, reason])).toEqual([
      ["missed", "MISSED"],
      ["fired", null],
    ]);
    expect(await rowsOf("schedule_fires", tenantId)).toBe(2);
    await expect(due()).rejects.toThrow("Not due");
  });

  it("is skipped while the last execution is unfinished, where the schedule says so", async () => {
    const { store, due, fire } = await scheduled("skip");
    const settled = await store.settle(await due(), LATER, [fire(DUE), fire(new Date(+DUE + 60_000))]);
    expect(settled.map(({ status, reason }) => [status, reason])).toEqual([
      ["fired", null],
      ["skipped", "OVERLAP"],
    ]);
  });

  it("is held once while the workflow is paused, and skipped after that", async () => {
    const { tenantId, workflowId, store, due, fire } = await scheduled();
    await workflowPause(world.app, tenantId, workflowId);
    const settled = await store.settle(await due(), LATER, [fire(DUE), fire(new Date(+DUE + 60_000))]);
    expect(settled.map(({ status, reason, held }) => [status, reason, held])).toEqual([
      ["fired", null, true],
      ["skipped", "WORKFLOW_PAUSED", false],
    ]);
    expect(await workflowResume(world.app, tenantId, workflowId)).toBe(1);
  });

  it("is nobody's while the schedule is paused, left out of the latest version, or its workflow archived", async () => {
    for (const change of ["status = 'paused'", "in_latest = false"]) {
      const { scheduleId, store, due, fire } = await scheduled();
      const seen = await due();
      await world.admin.query(`update keelson.schedules set ${change} where id = $1`, [scheduleId]);
      expect(await store.settle(seen, LATER, [fire(DUE)])).toEqual([]);
      await expect(due()).rejects.toThrow("Not due");
    }
    const { workflowId, store, due, fire } = await scheduled();
    const seen = await due();
    await archive(workflowId);
    expect(await store.settle(seen, LATER, [fire(DUE)])).toEqual([]);
  });

  it("is the next execution's lastSuccessAt once its own has succeeded", async () => {
    const { tenantId, worker, store, due, fire } = await scheduled();
    const [first] = await store.settle(await due(), LATER, [fire(DUE)]);
    const executionId = first!.executionId!;
    await commitOne(world, worker, endOf(await claimOne(world, worker, { tenantId, executionId })));
    const [second] = await store.settle(await due(), null, [fire(LATER)]);
    const claimed = await claimOne(world, worker, { tenantId, executionId: second!.executionId! });
    expect(claimed.trigger).toMatchObject({ lastSuccessAt: "2026-03-01T10:00:00.000Z" });
  });
});
