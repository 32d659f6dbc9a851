// What lies in the outbox is folded into the counts exactly once, whoever folds and whatever dies meanwhile.
import { LATENCY_BOUNDS_MS, STATS_BUCKETS, latencyPercentile } from "@keelson/contracts";
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { TenantTx } from "../src/database.ts";
import { Prisma } from "../src/generated/client.ts";
import { foldCountsOnce, retireCountsOnce, statsBuckets, statsTotals, type StatsFilter } from "../src/index.ts";
import { claimOne, commitOne, endOf, factsOf, openSession, registerWorker, startOne } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

const HOUR_MS = 3_600_000;

let world: World;
let tenantId: string;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(async () => {
  tenantId = await world.tenant();
});
afterAll(() => world.close());

/** So many ends, spread over three workflows and some minutes, of 0 to 999 ms. */
async function leave(count: number): Promise<void> {
  await world.admin.query(
    `insert into keelson.execution_counts_outbox (tenant_id, workflow_id, trigger, status, at, duration_ms)
     select $1, ('00000000-0000-7000-8000-00000000000' || n % 3)::uuid, 'api', 'succeeded',
       date_trunc('hour', now()) + n % 90 * interval '1 minute', n % 1000
     from generate_series(0, $2 - 1) n`,
    [tenantId, count],
  );
}

async function lying(): Promise<number> {
  const { rows } = await world.dispatcher.pool.query<{ n: number }>(
    "select count(*)::int as n from keelson.execution_counts_outbox where tenant_id = $1",
    [tenantId],
  );
  return rows[0]!.n;
}

/** What a table of counts adds up to. */
async function sumOf(table: "stats_minutes" | "stats_hours") {
  const { rows } = await world.admin.query<{ count: number; ms: number; max: number; measured: number }>(
    `select coalesce(sum(count), 0)::int as count, coalesce(sum(duration_ms_sum), 0)::int as ms,
       coalesce(max(duration_ms_max), 0)::int as max,
       coalesce(sum((select sum(b) from unnest(latency_buckets) b)), 0)::int as measured
     from keelson.${table} where tenant_id = $1`,
    [tenantId],
  );
  return rows[0]!;
}

async function expectCounted(count: number): Promise<void> {
  const durations = Array.from({ length: count }, (_, n) => n % 1000);
  const ms = durations.reduce((sum, duration) => sum + duration, 0);
  const expected = { count, ms, max: Math.max(0, ...durations), measured: count };
  expect(await sumOf("stats_minutes")).toEqual(expected);
  expect(await sumOf("stats_hours")).toEqual(expected);
}

it("has the same bounds in PostgreSQL as in TypeScript", async () => {
  const { rows } = await world.admin.query<{ bounds: string[] }>("select keelson.latency_bounds() as bounds");
  expect(rows[0]!.bounds.map(Number)).toEqual(LATENCY_BOUNDS_MS);
});

describe("The fold", () => {
  it("counts each once, while several fold at once in small batches and more comes in", async () => {
    await leave(500);
    const fold = async (): Promise<void> => {
      while ((await lying()) > 0) await world.dispatcher.pool.query("select keelson.execution_counts_fold(7)");
    };
    await Promise.all([fold(), fold(), fold(), leave(500)]);
    await fold();
    const { rows } = await world.admin.query<{ count: number; ms: number }>(
      "select sum(count)::int as count, sum(duration_ms_sum)::int as ms from keelson.stats_minutes where tenant_id = $1",
      [tenantId],
    );
    expect(rows[0]).toEqual({ count: 1000, ms: 2 * (499 * 250) });
    expect(await sumOf("stats_hours")).toMatchObject({ count: 1000, ms: 2 * (499 * 250), max: 499, measured: 1000 });
  });

  it.each(["is rolled back", "is killed"])(
    "that %s midway has counted nothing, and the next counts all",
    async (end) => {
      await leave(300);
      const dying = await openSession(world, "dispatcher");
      await dying.client.query("begin");
      const { rows } = await dying.client.query("select keelson.execution_counts_fold(200) as count");
      expect(rows).toEqual([{ count: 200 }]);
      // While it holds them, nobody else folds, and nobody waits.
      expect(await foldCountsOnce(world.dispatcher)).toBe(0);
      await expectCounted(0);
      if (end === "is killed") await world.admin.query("select pg_terminate_backend($1)", [dying.pid]);
      else await dying.client.query("rollback");
      await eventually(async () => expect(await foldCountsOnce(world.dispatcher)).toBe(300));
      await expectCounted(300);
      expect(await foldCountsOnce(world.dispatcher)).toBe(0);
      await expectCounted(300);
    },
  );

  it("takes all that lies there, however many batches that is", async () => {
    await leave(4_500);
    expect(await foldCountsOnce(world.dispatcher)).toBe(4_500);
    await expectCounted(4_500);
  });

  it("keeps histograms that tell the percentiles", async () => {
    await leave(1000);
    await foldCountsOnce(world.dispatcher);
    const { rows } = await world.admin.query<{ i: number; n: number }>(
      `select b.i::int, sum(b.n)::int as n from keelson.stats_hours, unnest(latency_buckets) with ordinality as b (n, i)
       where tenant_id = $1 group by 1 order by 1`,
      [tenantId],
    );
    const counts = rows.map(({ n }) => n);
    for (const [index, bound] of LATENCY_BOUNDS_MS.slice(0, 17).entries()) {
      // Of 0 … 999 ms, so many are below each bound.
      expect(counts.slice(0, index + 1).reduce((sum, n) => sum + n, 0)).toBe(bound);
    }
    expect(latencyPercentile(counts, 0.5, 999)).toBe(500);
  });
});

describe("A commit of an end", () => {
  it("that is fenced off, or comes again, counts nothing more", async () => {
    const one = await startOne(world, { tenantId });
    const worker = await registerWorker(world);
    const item = endOf(await claimOne(world, worker, one));
    const applied = [];
    for (const change of [{ epoch: item.epoch - 1 }, { seq: item.seq + 1 }, {}, {}]) {
      applied.push((await commitOne(world, worker, { ...item, ...change })).kind);
    }
    expect(applied.filter((kind) => kind === "fenced")).toHaveLength(3);
    expect(await factsOf(world, one)).toMatchObject({ status: "succeeded" });
    expect(await foldCountsOnce(world.dispatcher)).toBe(2);
    expect(await sumOf("stats_minutes")).toMatchObject({ count: 2, measured: 1 });
  });
});

describe("Retention", () => {
  it("lets counts go a day after they could last be asked for, in bounded batches", async () => {
    await world.admin.query("truncate keelson.stats_minutes, keelson.stats_hours");
    await world.admin.query(
      `with n as (select n from generate_series(0, 2499) n), counted as (
         insert into keelson.stats_minutes
         select $1, now() - n.n * interval '2 minutes', gen_random_uuid(), 'api', 'ended', 'failed', '', 1, 0, 0, '{}' from n)
       insert into keelson.stats_hours
       select $1, now() - n.n * interval '5 hours', gen_random_uuid(), 'api', 'ended', 'failed', '', 1, 0, 0, '{}' from n`,
      [tenantId],
    );
    const now = Date.now();
    const later = now + 100 * 24 * HOUR_MS;
    expect(await retireCountsOnce(world.dispatcher, now)).toEqual({ more: false });
    const { minute, hour } = STATS_BUCKETS;
    const { rows } = await world.admin.query<{ minutes: Date; hours: Date }>(
      "select min(minute) as minutes, min(hour) as hours from keelson.stats_minutes, keelson.stats_hours",
    );
    const age = (at: Date) => now - at.getTime();
    expect(age(rows[0]!.minutes)).toBeGreaterThan(minute.keptMs);
    expect(age(rows[0]!.minutes)).toBeLessThanOrEqual(minute.keptMs + 24 * HOUR_MS + 1_000);
    expect(age(rows[0]!.hours)).toBeGreaterThan(hour.keptMs);
    expect(age(rows[0]!.hours)).toBeLessThanOrEqual(hour.keptMs + 24 * HOUR_MS + 1_000);
    expect(await sumOf("stats_minutes")).toMatchObject({ count: 72 * 30 });
    expect(await retireCountsOnce(world.dispatcher, later)).toEqual({ more: true });
    expect(await retireCountsOnce(world.dispatcher, later)).toEqual({ more: false });
    expect(await sumOf("stats_minutes")).toMatchObject({ count: 0 });
    expect((await sumOf("stats_hours")).count).toBeGreaterThan(0);
  });
});

describe("Reading the counts", () => {
  beforeAll(async () => {
    for (const table of ["stats_minutes", "stats_hours"]) {
      await world.admin.query(
        `insert into keelson.${table} select gen_random_uuid(), now() - n * interval '5 s', gen_random_uuid(), 'api',
           'ended', 'failed', '', 1, 0, 0, '{}' from generate_series(1, 10000) n`,
      );
    }
    await world.admin.query("analyze keelson.stats_hours, keelson.stats_minutes");
  });

  /** Explains what is asked of it, and answers nothing. */
  function explaining(plans: string[]): TenantTx {
    const $queryRaw = async (strings: TemplateStringsArray, ...values: unknown[]) => {
      const { text, values: bound } = Prisma.sql(strings, ...values);
      const { rows } = await world.admin.query<{ "QUERY PLAN": string }>(`explain ${text}`, bound);
      plans.push(rows.map((row) => row["QUERY PLAN"]).join("\n"));
      return [];
    };
    return { $queryRaw } as unknown as TenantTx;
  }

  it.each(["minute", "hour", "day"] as const)(
    "by the %s goes along the primary key, and to no execution",
    async (bucket) => {
      const plans: string[] = [];
      const at = (ms: number) => new Date(Date.now() - ms);
      const groupBy = ["status", "workflow"] as const;
      const filter: StatsFilter = { bucket, from: at(24 * HOUR_MS), to: at(0), workflows: undefined, groupBy };
      const group = { status: "failed", workflowId: newId(), trigger: "", errorCode: "" };
      await statsTotals(explaining(plans), tenantId, filter);
      await statsBuckets(explaining(plans), tenantId, filter, [group]);
      expect(plans).toHaveLength(2);
      for (const plan of plans) {
        expect(plan).toMatch(/(Index|Bitmap Index) Scan (using|on) stats_(minutes|hours)_pkey/);
        expect(plan).not.toMatch(/Seq Scan|executions|step_runs|outbox/);
      }
    },
  );
});
