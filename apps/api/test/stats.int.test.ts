// GET /v1/stats: what the roll-ups say of a tenant's executions, by time and by group.
import { randomUUID } from "node:crypto";
import { type Stats, STATS_BUCKETS } from "@keelson/contracts";
import { foldCountsOnce } from "@keelson/db";
import { httpStep, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, saveSteps } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

const HOUR_MS = STATS_BUCKETS.hour.lengthMs;
/** The begin of an hour that is over. */
const BASE = Math.floor(Date.now() / HOUR_MS - 5) * HOUR_MS;

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.work();
});
afterAll(() => world.close());

const at = (ms: number) => new Date(BASE + ms).toISOString();
const FIVE_HOURS = `from=${at(0)}&to=${at(5 * HOUR_MS)}&bucket=hour`;

async function statsOf(client: Client, query: string): Promise<Stats> {
  return (await client.get(`/v1/stats?${query}`).expect(200)).body;
}

interface Happened {
  readonly workflowId?: string;
  readonly trigger?: string;
  /** Left out: it started. */
  readonly status?: string;
  readonly errorCode?: string;
  /** After BASE. */
  readonly ms?: number;
  readonly durationMs?: number;
}

/** Leaves in the outbox what the store would have left there, and folds it. */
async function happened(client: Client, all: readonly Happened[]): Promise<void> {
  for (const { workflowId = randomUUID(), trigger = "api", status, errorCode, ms = 0, durationMs } of all) {
    await world.admin.pool.query(
      `insert into keelson.execution_counts_outbox (tenant_id, workflow_id, trigger, status, error_code, at, duration_ms)
       values ($1, $2, $3, $4, $5, $6, $7)`,
      [client.tenantId, workflowId, trigger, status, errorCode, at(ms), durationMs],
    );
  }
  await foldCountsOnce(world.admin);
}

const NOTHING = { started: 0, ended: 0, durationMs: null };

describe("GET /v1/stats", () => {
  it("counts what really ran, with how long it took", async () => {
    const tenant = await world.tenant();
    const target = await testTarget({ status: 404 });
    const good = await saveSteps(tenant, [transformStep("one", 1)]);
    const bad = await saveSteps(tenant, [httpStep("call", target.url, { retry: { maxAttempts: 1 } })]);
    for (const name of [good, good, bad]) await run(tenant, name);
    await foldCountsOnce(world.admin);
    const stats = await statsOf(tenant, "groupBy=status,workflow,trigger,errorCode");
    expect(stats).toMatchObject({ bucket: "hour", total: { started: 3, ended: 3 }, leftOut: 0 });
    expect(stats.total.durationMs?.max).toBeGreaterThanOrEqual(stats.total.durationMs?.p50 ?? Infinity);
    expect(stats.series.map(({ group, total: { ended } }) => ({ ...group, ended }))).toEqual([
      {
        status: "succeeded",
        workflow: good,
        workflowId: expect.any(String),
        trigger: "api",
        errorCode: null,
        ended: 2,
      },
      {
        status: "failed",
        workflow: bad,
        workflowId: expect.any(String),
        trigger: "api",
        errorCode: "HTTP_STATUS",
        ended: 1,
      },
    ]);
    expect(stats.series[0]?.buckets).toHaveLength(25);
    expect(stats.series[0]?.buckets.at(-1)?.ended).toBe(2);
    expect((await statsOf(world.b, "")).total).toEqual(NOTHING);
  });

  it("answers every bucket of the range, those too in which nothing happened", async () => {
    const tenant = await world.tenant();
    await happened(tenant, [
      { ms: 0 },
      { ms: HOUR_MS, status: "succeeded", durationMs: 120 },
      { ms: HOUR_MS + 1, status: "failed", errorCode: "NO_CASE", durationMs: 880 },
      { ms: 2 * HOUR_MS, status: "cancelled" },
      { ms: 5 * HOUR_MS, status: "succeeded", durationMs: 1 },
    ]);
    const both = { p50: 150, p95: 880, p99: 880, avg: 500, max: 880 };
    expect(await statsOf(tenant, FIVE_HOURS)).toEqual({
      from: at(0),
      to: at(5 * HOUR_MS),
      bucket: "hour",
      groupBy: [],
      total: { started: 1, ended: 3, durationMs: both },
      series: [
        {
          group: {},
          total: { started: 1, ended: 3, durationMs: both },
          buckets: [
            { at: at(0), ...NOTHING, started: 1 },
            { at: at(HOUR_MS), started: 0, ended: 2, durationMs: both },
            // Never begun: it counts, and took no time that could be told.
            { at: at(2 * HOUR_MS), ...NOTHING, ended: 1 },
            { at: at(3 * HOUR_MS), ...NOTHING },
            { at: at(4 * HOUR_MS), ...NOTHING },
          ],
        },
      ],
      leftOut: 0,
    });
    const empty = await statsOf(await world.tenant(), FIVE_HOURS);
    expect(empty.series).toHaveLength(1);
    expect(empty.series[0]?.buckets).toEqual([0, 1, 2, 3, 4].map((hour) => ({ at: at(hour * HOUR_MS), ...NOTHING })));
    expect((await statsOf(await world.tenant(), `${FIVE_HOURS}&groupBy=status`)).series).toEqual([]);
  });

  it("puts each into the minute, the hour and the day of UTC in which it happened", async () => {
    const tenant = await world.tenant();
    await happened(tenant, [
      { ms: 59_999, status: "succeeded" },
      { ms: 60_000, status: "succeeded" },
      { ms: 2 * HOUR_MS - 1, status: "succeeded" },
    ]);
    const ends = async (query: string) => {
      const { from, to, series } = await statsOf(tenant, query);
      const [first] = series;
      const buckets = first?.buckets.filter(({ ended }) => ended > 0).map((b) => [b.at, b.ended]);
      return { from, to, buckets };
    };
    expect(await ends(`from=${at(30_000)}&to=${at(90_000)}&bucket=minute`)).toEqual({
      from: at(0),
      to: at(120_000),
      buckets: [
        [at(0), 1],
        [at(60_000), 1],
      ],
    });
    expect(await ends(`from=${at(1)}&to=${at(HOUR_MS + 1)}&bucket=hour`)).toEqual({
      from: at(0),
      to: at(2 * HOUR_MS),
      buckets: [
        [at(0), 2],
        [at(HOUR_MS), 1],
      ],
    });
    const days = await ends(`from=${at(0)}&to=${at(2 * HOUR_MS)}&bucket=day`);
    expect(days.from).toBe(`${at(0).slice(0, 10)}T00:00:00.000Z`);
    expect(days.buckets?.reduce((sum, [, ended]) => sum + Number(ended), 0)).toBe(3);
  });

  describe("of many kinds", () => {
    let tenant: Client;
    let orders: { id: string; name: string };
    let refunds: { id: string; name: string };
    beforeAll(async () => {
      tenant = await world.tenant();
      const save = async () => {
        const name = await saveSteps(tenant, [transformStep("one", 1)]);
        return { name, id: (await tenant.get(`/v1/workflows/${name}`).expect(200)).body.id as string };
      };
      orders = await save();
      refunds = await save();
      const [o, r] = [{ workflowId: orders.id }, { workflowId: refunds.id }];
      await happened(tenant, [
        { ...o, trigger: "webhook" },
        { ...o, trigger: "webhook" },
        { ...r, trigger: "schedule" },
        { ...o, trigger: "webhook", status: "succeeded", durationMs: 10 },
        { ...o, trigger: "webhook", status: "failed", errorCode: "HTTP_STATUS", durationMs: 20 },
        { ...o, trigger: "api", status: "failed", errorCode: "NO_CASE", durationMs: 30 },
        { ...r, trigger: "schedule", status: "cancelled", durationMs: 40 },
      ]);
    });

    const grouped = async (query: string) =>
      (await statsOf(tenant, `${FIVE_HOURS}&${query}`)).series.map(({ group, total: { started, ended } }) => ({
        ...group,
        counts: [started, ended],
      }));

    it("groups by status", async () => {
      expect(await grouped("groupBy=status")).toEqual([
        { status: "failed", counts: [null, 2] },
        { status: "cancelled", counts: [null, 1] },
        { status: "succeeded", counts: [null, 1] },
      ]);
    });

    it("groups by workflow", async () => {
      expect(await grouped("groupBy=workflow")).toEqual([
        { workflow: orders.name, workflowId: orders.id, counts: [2, 3] },
        { workflow: refunds.name, workflowId: refunds.id, counts: [1, 1] },
      ]);
    });

    it("groups by trigger", async () => {
      expect(await grouped("groupBy=trigger")).toEqual([
        { trigger: "webhook", counts: [2, 2] },
        { trigger: "schedule", counts: [1, 1] },
        { trigger: "api", counts: [0, 1] },
      ]);
    });

    it("groups by error code, null for those without", async () => {
      expect(await grouped("groupBy=errorCode")).toEqual([
        { errorCode: null, counts: [null, 2] },
        { errorCode: "HTTP_STATUS", counts: [null, 1] },
        { errorCode: "NO_CASE", counts: [null, 1] },
      ]);
    });

    it("groups by several at once", async () => {
      expect(await grouped("groupBy=trigger,status")).toEqual(
        [
          { trigger: "api", status: "failed", counts: [null, 1] },
          { trigger: "schedule", status: "cancelled", counts: [null, 1] },
          { trigger: "webhook", status: "failed", counts: [null, 1] },
          { trigger: "webhook", status: "succeeded", counts: [null, 1] },
        ].toSorted((x, y) => x.status.localeCompare(y.status)),
      );
    });

    it("counts starts in the total, however it is grouped", async () => {
      const stats = await statsOf(tenant, `${FIVE_HOURS}&groupBy=status`);
      expect(stats.total).toMatchObject({ started: 3, ended: 4 });
      expect(stats.series[0]?.buckets[0]).toMatchObject({ at: at(0), started: null, ended: 2 });
    });

    it.each([
      { filter: () => orders.name, counts: { started: 2, ended: 3 } },
      { filter: () => refunds.id, counts: { started: 1, ended: 1 } },
      { filter: () => `${orders.name},${refunds.id}`, counts: { started: 3, ended: 4 } },
      { filter: () => "no-such-workflow", counts: { started: 0, ended: 0 } },
    ])("takes workflows by name and id ($counts.ended)", async ({ filter, counts }) => {
      expect((await statsOf(tenant, `${FIVE_HOURS}&workflow=${filter()}`)).total).toMatchObject(counts);
    });

    it("shows nothing of it to another tenant, by whatever name or id", async () => {
      for (const filter of ["", `&workflow=${orders.id}`, `&workflow=${orders.name}`]) {
        const { total, series } = await statsOf(world.b, `${FIVE_HOURS}&groupBy=workflow${filter}`);
        expect({ total, series }).toEqual({ total: NOTHING, series: [] });
      }
    });
  });

  it("leaves out the smallest groups where there would be too many buckets, and counts them in the total", async () => {
    const tenant = await world.tenant();
    const ids = Array.from({ length: 20 }, () => randomUUID());
    const largest = randomUUID();
    await happened(
      tenant,
      [...ids, largest, largest].map((workflowId) => ({ workflowId, status: "succeeded" })),
    );
    const day = `to=${at(HOUR_MS)}&from=${at(-23 * HOUR_MS)}&bucket=minute&groupBy=workflow`;
    const { series, leftOut, total } = await statsOf(tenant, day);
    expect({ series: series.length, leftOut, ended: total.ended }).toEqual({ series: 13, leftOut: 8, ended: 22 });
    expect(series[0]).toMatchObject({ group: { workflowId: largest }, total: { ended: 2 } });
  });

  it("looks at no execution", async () => {
    const client = await world.admin.pool.connect();
    try {
      await client.query("begin");
      await client.query("lock table keelson.executions, keelson.step_runs, keelson.attempts in access exclusive mode");
      expect(await statsOf(world.a, "groupBy=workflow,status")).toMatchObject({ leftOut: 0 });
    } finally {
      await client.query("rollback");
      client.release();
    }
  });

  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();
  it.each([
    { query: `from=${at(1)}&to=${at(1)}`, place: "?from", says: /must lie before `to`, but is 20/ },
    { query: `from=${ago(50 * HOUR_MS)}&bucket=minute`, place: "?from", says: /kept for 48 hours, but is 20.*`hour`/ },
    { query: `from=${ago(401 * 24 * HOUR_MS)}`, place: "?from", says: /kept for 400 days, but is 20/ },
    { query: `from=${ago(40 * HOUR_MS)}&bucket=minute`, place: "?bucket", says: /at most 1500 .* makes 240\d.*longer/ },
    { query: "from=yesterday", place: "?from", says: /RFC 3339/ },
    { query: "bucket=week", place: "?bucket", says: /./ },
    { query: "groupBy=step", place: "?groupBy", says: /./ },
    { query: "groupBy=", place: "?groupBy", says: /./ },
    { query: "groupBy=status,status", place: "?groupBy", says: /once/ },
    { query: "workflow=No%20Name", place: "?workflow", says: /./ },
    { query: "since=1", place: "?since", says: /./ },
  ])("refuses $query, and names the place", async ({ query, place, says }) => {
    const { body } = await world.a.get(`/v1/stats?${query}`).expect(400);
    expect(body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ path: place }] });
    expect(body.errors[0].message).toMatch(says);
  });

  it("takes the scope read, and no other", async () => {
    const client = await world.a.withScopes(["write", "trigger", "admin"]);
    expect((await client.get("/v1/stats").expect(403)).body.code).toBe("FORBIDDEN_SCOPE");
  });
});
