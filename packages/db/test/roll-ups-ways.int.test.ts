// Whatever way an execution starts or ends, it is counted, once.
import type { JsonObject } from "@keelson/contracts";
import { pendingStep } from "@keelson/engine";
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createScheduleStore,
  deliveryAccept,
  executionNotify,
  executionRetry,
  executionStart,
  foldCountsOnce,
  workflowPause,
} from "../src/index.ts";
import { createRig, type Rig } from "./rig.ts";
import { factsOf, startOne, startRequest, type Started } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** What is counted of a tenant, as `trigger started` or `trigger status error`; those without an error end there. */
async function countsOf(tenantId: string): Promise<Record<string, number>> {
  await foldCountsOnce(world.dispatcher);
  const { rows } = await world.admin.query<{ what: string; n: number }>(
    `select trim(concat_ws(' ', trigger, case kind when 'started' then kind else status end, error_code)) as what,
       sum(count)::int as n
     from keelson.stats_minutes where tenant_id = $1 group by 1 order by 1`,
    [tenantId],
  );
  return Object.fromEntries(rows.map(({ what, n }) => [what, n]));
}

const transform = { id: "a", type: "transform", config: { output: 1 } };
const http = { id: "a", type: "http", config: { method: "POST", url: "http://example.test/", body: {} } };
const nap = { id: "a", type: "delay", config: { for: 3_600_000 } };

interface Case {
  readonly rig: Rig;
  readonly one: Started;
}

const offer = ({ rig, one }: Case): Promise<void> => rig.runner.offer(one);
const cancel = async ({ one }: Case): Promise<void> => {
  expect(await executionNotify(world.app, one.tenantId, one.executionId, { kind: "cancel" })).toBe("sent");
};
const untilEffect = ({ rig }: Case) => eventually(() => expect(rig.effects).not.toHaveLength(0));
const set = ({ one }: Case, what: string) =>
  world.admin.query(`update keelson.executions set ${what} where id = $1`, [one.executionId]);
const fail = ({ rig }: Case, code: "HTTP_STATUS" | "HTTP_NETWORK" = "HTTP_STATUS") =>
  rig.effects.at(-1)!.end({
    outcome: { kind: "failed", error: { code, message: "no" }, retryable: false, inDoubt: false },
    request: null,
    response: null,
  });
const untilEnded = ({ one }: Case, status: string) =>
  eventually(async () => expect(await factsOf(world, one)).toMatchObject({ status, owner: null }));

async function retry({ one }: Case): Promise<void> {
  const { gen, seq } = await factsOf(world, one);
  const verdict = await executionRetry(world.app, {
    ...one,
    gen,
    seq,
    events: [{ type: "execution.retried" }],
    steps: [{ ...pendingStep("a"), iter: 2 }],
    summary: { progress: {}, current: [], retrying: null },
    deadlineAt: null,
    nowAt: Date.now(),
    parentGen: null,
  });
  expect(verdict).toBe("retried");
}

interface Way {
  readonly way: string;
  readonly steps: JsonObject[];
  readonly act: (given: Case) => Promise<unknown>;
  readonly ends: string;
  /** Where it ends, or starts, more than once. */
  readonly counts?: Record<string, number>;
}

const WAYS: Way[] = [
  { way: "succeeds", steps: [transform], act: offer, ends: "succeeded" },
  {
    way: "fails",
    steps: [http],
    act: (given) =>
      offer(given)
        .then(() => untilEffect(given))
        .then(() => fail(given)),
    ends: "failed HTTP_STATUS",
  },
  {
    way: "is cancelled while it is queued",
    steps: [http],
    act: (g) => cancel(g).then(() => offer(g)),
    ends: "cancelled",
  },
  {
    way: "is cancelled while it runs",
    steps: [http],
    async act(given) {
      await offer(given);
      await untilEffect(given);
      await cancel(given);
      given.rig.runner.mail(given.one.executionId);
    },
    ends: "cancelled",
  },
  {
    way: "is cancelled while it waits",
    steps: [nap],
    async act(given) {
      await offer(given);
      await eventually(async () => expect(await factsOf(world, given.one)).toMatchObject({ status: "waiting" }));
      await cancel(given);
      await offer(given);
    },
    ends: "cancelled",
  },
  {
    way: "loses its worker once too often",
    steps: [http],
    act: (given) => set(given, "losses = 3").then(() => offer(given)),
    ends: "failed WORKER_LOST",
  },
  {
    way: "runs out of its time",
    steps: [http],
    act: (given) => set(given, "timeout_ms = 30").then(() => offer(given)),
    ends: "failed EXECUTION_TIMEOUT",
  },
  {
    way: "is retried, and ends again",
    steps: [http],
    async act(given) {
      await offer(given);
      await untilEffect(given);
      fail(given, "HTTP_NETWORK");
      await untilEnded(given, "failed");
      await retry(given);
      await cancel(given);
      await offer(given);
    },
    ends: "cancelled",
    counts: { "api started": 2, "api failed HTTP_NETWORK": 1, "api cancelled": 1 },
  },
];

describe("An execution that", () => {
  it.each(WAYS)("$way counts once", async ({ steps, act, ends, counts }) => {
    const tenantId = await world.tenant();
    const one = await startOne(world, { tenantId, of: await world.workflow(tenantId, { steps }) });
    const rig = createRig(world, { hinted: true });
    await rig.runner.tick();
    const [status = ""] = ends.split(" ");
    expect(await countsOf(tenantId)).toEqual({ "api started": 1 });
    await act({ rig, one });
    await untilEnded({ rig, one }, status);
    await rig.stop();
    expect(await countsOf(tenantId)).toEqual(counts ?? { "api started": 1, [`api ${ends}`]: 1 });
  });

  it("is cancelled while it is held counts once, and has taken no time", async () => {
    const tenantId = await world.tenant();
    const of = await world.workflow(tenantId, { steps: [http] });
    expect(await workflowPause(world.app, tenantId, of.workflowId)).toBe(true);
    const one = await startOne(world, { tenantId, of });
    const rig = createRig(world, { hinted: true });
    await rig.runner.tick();
    await cancel({ rig, one });
    await offer({ rig, one });
    await untilEnded({ rig, one }, "cancelled");
    await rig.stop();
    expect(await countsOf(tenantId)).toEqual({ "api started": 1, "api cancelled": 1 });
    const { rows } = await world.admin.query(
      "select duration_ms_sum, latency_buckets from keelson.stats_hours where tenant_id = $1 and kind = 'ended'",
      [tenantId],
    );
    expect(rows).toEqual([{ duration_ms_sum: "0", latency_buckets: [] }]);
  });

  it("waits for a child counts once, and so does the child, which its failure's workflow follows", async () => {
    const tenantId = await world.tenant();
    await world.workflow(tenantId, { name: "alert", steps: [transform] });
    await world.workflow(tenantId, { name: "child", steps: [http] });
    const call = { id: "a", type: "subworkflow", config: { workflow: "child" } };
    const of = await world.workflow(tenantId, { onFailure: "alert", steps: [call] });
    const one = await startOne(world, { tenantId, of });
    const rig = createRig(world, { hinted: true });
    await rig.runner.tick();
    await offer({ rig, one });
    await untilEffect({ rig, one });
    fail({ rig, one });
    await untilEnded({ rig, one }, "failed");
    await eventually(async () =>
      expect(await countsOf(tenantId)).toEqual({
        "api started": 1,
        "api failed CHILD_FAILED": 1,
        "subworkflow started": 2,
        "subworkflow failed HTTP_STATUS": 1,
        "subworkflow succeeded": 1,
      }),
    );
    await rig.stop();
  });
});

describe("A start", () => {
  it("by webhook counts once, its repeat not at all", async () => {
    const first = await startOne(world);
    const hookId = newId();
    await world.admin.query(
      "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'orders')",
      [first.tenantId, hookId, first.workflowId],
    );
    const deliver = (maxUnfinished: number | null) =>
      deliveryAccept(world.app, {
        tenantId: first.tenantId,
        delivery: {
          id: newId(),
          hookId,
          workflowId: first.workflowId,
          repeatKey: "once",
          headers: {},
          query: {},
          contentType: null,
        },
        body: Buffer.from("{}"),
        start: { ...startRequest(first).start, executionId: newId(), triggerType: "webhook" },
        maxUnfinished,
      });
    const kinds = [(await deliver(1)).kind, (await deliver(null)).kind, (await deliver(null)).kind];
    expect(kinds).toEqual(["full", "accepted", "duplicate"]);
    expect(await countsOf(first.tenantId)).toEqual({ "api started": 1, "webhook started": 1 });
  });

  it("by the API that is refused or is a repeat does not count", async () => {
    const first = await startOne(world);
    const idempotency = { key: "k", bodyHash: Buffer.from("a") };
    const again = () => ({ ...startRequest({ ...first, executionId: newId() }), idempotency });
    const kinds = [
      (await executionStart(world.app, { ...again(), maxUnfinished: 1 })).kind,
      (await executionStart(world.app, again())).kind,
      (await executionStart(world.app, again())).kind,
    ];
    expect(kinds).toEqual(["full", "started", "repeat"]);
    expect(await countsOf(first.tenantId)).toEqual({ "api started": 2 });
  });

  it("by a schedule counts once, though two settle the same due time", async () => {
    const first = await startOne(world);
    await world.admin.query(
      `insert into keelson.schedules (tenant_id, id, workflow_id, trigger_id, cron, timezone, missed, overlap, next_at)
       values ($1, $2, $3, 'c', '* * * * *', 'UTC', 'latest', 'allow', date_trunc('minute', now()))`,
      [first.tenantId, newId(), first.workflowId],
    );
    const store = createScheduleStore(world.dispatcher);
    const [due] = await store.due(10);
    const next = new Date(due!.nextAt.getTime() + 60_000);
    const fire = { dueAt: due!.nextAt, executionId: newId(), missed: false };
    await Promise.all([
      store.settle(due!, next, [fire]),
      store.settle(due!, next, [{ ...fire, executionId: newId() }]),
    ]);
    expect(await countsOf(first.tenantId)).toEqual({ "api started": 1, "schedule started": 1 });
  });
});

it("leaves as many started and not ended as there are executions that have not ended", async () => {
  await foldCountsOnce(world.dispatcher);
  const { rows } = await world.admin.query<{ counted: number; unfinished: number }>(
    `select sum(case kind when 'started' then count else -count end)::int as counted,
       (select count(*)::int from keelson.executions where finished_at is null) as unfinished
     from keelson.stats_hours`,
  );
  expect(rows[0]!.counted).toBe(rows[0]!.unfinished);
});
