// What the operator sees across tenants, and what a tenant must not.
import { eventually, httpStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { run, start, untilStep } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type World, clientOf, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const admin = (sql: string, values: readonly unknown[] = []) => world.admin.pool.query(sql, [...values]);

/** A worker's row, without the process behind it. */
async function plantWorker(
  stats: object,
  columns = "lease_until",
  values = "now() + interval '1 hour'",
): Promise<string> {
  const { rows } = await admin(
    `insert into keelson.workers (name, stats, ${columns}) values ('planted', $1, ${values}) returning id::text`,
    [JSON.stringify(stats)],
  );
  return rows[0].id;
}

const unplantWorkers = () => admin("delete from keelson.workers where name = 'planted'");

const CALLS = [
  ["get", "/v1/ops/overview"],
  ["get", "/v1/ops/capacity"],
  ["get", "/v1/ops/workers"],
  ["get", "/v1/ops/tenants"],
  ["get", "/v1/ops/violations"],
  ["get", "/v1/ops/audit"],
  ["post", "/v1/ops/audit"],
] as const;

describe("every call of the operator's", () => {
  it.each(CALLS)("%s %s refuses a tenant's key with 401, whatever its scopes", async (method, path) => {
    expect((await world.a.call(method, path).expect(401)).body).toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it.each(CALLS)("%s %s refuses what it does not know with 400", async (method, path) => {
    const answer = method === "get" ? world.operator.get(`${path}?x=1`) : world.operator.post(path, { x: 1 });
    expect((await answer.expect(400)).body.code).toBe("INVALID_REQUEST");
  });
});

describe("POST /v1/tenants/:id/api-keys", () => {
  it("makes a key that works, for a tenant that has lost its own, and says so in the tenant's audit log", async () => {
    const client = await world.tenant();
    const { body } = await world.operator
      .post(`/v1/tenants/${client.tenantId}/api-keys`, { name: "recovered" })
      .expect(201);
    expect(body).toMatchObject({ name: "recovered", scopes: ["read", "write", "trigger", "admin"], expiresAt: null });
    const recovered = clientOf(world.app, client.tenantId, body.key);
    expect((await recovered.get("/v1/audit").expect(200)).body.items[0]).toMatchObject({
      action: "apiKey.created",
      actor: { type: "operator", id: null },
      target: { type: "apiKey", id: body.id },
      details: { name: "recovered" },
    });
  });

  it("takes scopes and an expiry, and refuses one that has passed with what it saw", async () => {
    const path = `/v1/tenants/${world.a.tenantId}/api-keys`;
    const { body } = await world.operator
      .post(path, { name: "x", scopes: ["read"], expiresAt: "2100-01-01T00:00:00Z" })
      .expect(201);
    expect(body).toMatchObject({ scopes: ["read"], expiresAt: "2100-01-01T00:00:00.000Z" });
    const refused = await world.operator.post(path, { name: "x", expiresAt: "2001-01-01T00:00:00Z" }).expect(400);
    expect(refused.body.errors[0]).toMatchObject({
      path: "/expiresAt",
      message: expect.stringContaining("2001-01-01T00:00:00.000Z"),
    });
  });

  it("is 404 for a tenant that is not there or was deleted, and 401 for the tenant itself", async () => {
    const gone = await world.tenant();
    await world.operator.delete(`/v1/tenants/${gone.tenantId}`).expect(204);
    for (const id of [gone.tenantId, "0192aaaa-0000-7000-8000-000000000001", "x"]) {
      const answer = await world.operator.post(`/v1/tenants/${id}/api-keys`, { name: "x" }).expect(404);
      expect(answer.body.code).toBe("NOT_FOUND");
    }
    await world.a.post(`/v1/tenants/${world.a.tenantId}/api-keys`, { name: "x" }).expect(401);
  });
});

describe("GET /v1/ops/workers", () => {
  it("tells of each what it said last, which leases it holds, and whether it lives, drains or is dead", async () => {
    const client = await world.tenant();
    const name = await client.save(documentOf());
    const id = await start(client, name);
    const live = await plantWorker({
      host: "one.example",
      pid: 4711,
      executions: 1,
      slots: 64,
      waiting: 0,
      rssBytes: 150_000_000,
      loopLagP99Ms: 1.5,
      draining: false,
      commits: 9,
      attempts: 5,
      attemptsFailed: 2,
      ended: 3,
    });
    const draining = await plantWorker({ draining: true });
    const dead = await plantWorker({}, "dead, lease_until", "true, now() + interval '1 hour'");
    const late = await plantWorker({ slots: "many" }, "lease_until", "now() - interval '1 s'");
    await admin("update keelson.executions set owner = $2, wake_at = null, sweep_at = null where id = $1", [id, live]);

    const { items } = (await world.operator.get("/v1/ops/workers").expect(200)).body;
    expect(Object.fromEntries(items.map((item: { id: string; state: string }) => [item.id, item.state]))).toEqual({
      [live]: "live",
      [draining]: "draining",
      [dead]: "dead",
      [late]: "dead",
    });
    expect(items.find((item: { id: string }) => item.id === live)).toEqual({
      id: live,
      name: "planted",
      state: "live",
      host: "one.example",
      pid: 4711,
      startedAt: expect.any(String),
      lastSeenAt: expect.any(String),
      leases: 1,
      slots: 64,
      slotsUsed: 1,
      offersWaiting: 0,
      rssBytes: 150_000_000,
      eventLoopLagMs: 1.5,
      counts: { commits: 9, attempts: 5, attemptsFailed: 2, executionsEnded: 3 },
    });
    expect(items.find((item: { id: string }) => item.id === late)).toMatchObject({ slots: null, counts: null });
    await admin("delete from keelson.executions where id = $1", [id]);
    await unplantWorkers();
  });
});

describe("GET /v1/ops/tenants", () => {
  it("shows what each tenant uses of what it may, by the page, newest first", async () => {
    const client = await world.tenant();
    await world.operator.patch(`/v1/tenants/${client.tenantId}`, { limits: { unfinishedExecutions: 7 } }).expect(200);
    const name = await client.save(documentOf());
    await start(client, name);
    await client.post(`/v1/workflows/${name}/pause`).expect(200);
    await start(client, name);
    await plantMinute(client.tenantId, "started", "webhook", 90);
    await plantMinute(client.tenantId, "ended", "api", 45, "failed");

    const { items, nextCursor } = (await world.operator.get("/v1/ops/tenants?limit=1").expect(200)).body;
    expect(items).toEqual([
      {
        id: client.tenantId,
        slug: expect.any(String),
        name: "Tenant",
        unfinishedExecutions: { used: 2, exact: true, limit: 7 },
        heldExecutions: 1,
        rates: { startedPerSecond: 0.1, webhooksPerMinute: 6, endedPerSecond: 0.05, failedPerSecond: 0.05 },
        limits: { apiPerMinute: 600, webhookPerMinute: 1200 },
      },
    ]);
    const second = await world.operator.get(`/v1/ops/tenants?limit=1&cursor=${nextCursor}`).expect(200);
    expect(second.body.items[0].id).not.toBe(client.tenantId);
    await admin("delete from keelson.executions where tenant_id = $1", [client.tenantId]);
    await admin("delete from keelson.stats_minutes");
  });
});

/** A row of the roll-ups, of the present minute. */
function plantMinute(tenantId: string, kind: string, trigger: string, count: number, status = "", buckets = "{}") {
  return admin(
    `insert into keelson.stats_minutes (tenant_id, minute, workflow_id, trigger, kind, status, error_code, count,
       duration_ms_sum, duration_ms_max, latency_buckets)
     values ($1, date_trunc('minute', now()), $1, $2, $3, $4, '', $5, 0, 100, $6)`,
    [tenantId, trigger, kind, status, count, buckets],
  );
}

describe("GET /v1/ops/overview and /v1/ops/capacity", () => {
  it("say of an idle engine that nothing binds", async () => {
    const { body } = await world.operator.get("/v1/ops/overview").expect(200);
    expect(body).toMatchObject({
      version: expect.any(String),
      backlog: { unfinished: 0, ready: 0, oldestReadyAgeSeconds: null, exact: true },
      latencies: { count: 0, p50Ms: null },
      workers: { alive: 0, draining: 0 },
      binds: { what: "nothing" },
      postgres: { state: "up" },
      redis: { state: "up" },
    });
    expect((await world.operator.get("/v1/ops/capacity").expect(200)).body).toMatchObject({
      maxAgeSeconds: 30,
      backlog: 0,
      drainSeconds: 0,
      workersNeeded: 1,
      binds: { what: "nothing" },
    });
  });

  it("count what is queued, held, running, waiting and ready, of all tenants, and the rates and latencies from the roll-ups", async () => {
    const target = await testTarget("hang");
    const [one, two] = [await world.tenant(), await world.tenant()];
    const worker = await world.work();
    const hanging = await one.save(documentOf({}, [httpStep("call", target.url)]));
    await untilStep(one, await start(one, hanging), "call", "running");
    const napping = await two.save(documentOf({}, [{ id: "nap", type: "delay", config: { for: "1h" } }]));
    await untilStep(two, await start(two, napping), "nap", "waiting");
    await eventually(async () => expect(await backlog()).toMatchObject({ running: 1, waiting: 1 }));
    await one.post(`/v1/workflows/${hanging}/pause`).expect(200);
    await start(one, hanging);
    await worker.stop();
    await start(two, napping);
    await admin("update keelson.executions set wake_at = now() - interval '40 s' where status = 'queued' and not held");
    expect(await backlog()).toMatchObject({ unfinished: 4, queued: 1, held: 1, ready: 2 });
    expect((await backlog()).oldestReadyAgeSeconds).toBeGreaterThanOrEqual(40);

    await plantMinute(one.tenantId, "started", "api", 600);
    await plantMinute(two.tenantId, "ended", "api", 300, "succeeded", "{0,0,0,0,300}");
    await plantWorker({ executions: 64, slots: 64, loopLagP99Ms: 1 });
    const { body } = await world.operator.get("/v1/ops/overview").expect(200);
    expect(body.rates.last5m).toMatchObject({ startedPerSecond: 2, endedPerSecond: 1, succeededPerSecond: 1 });
    expect(body.latencies).toMatchObject({ count: 300, p99Ms: 7 });
    expect(body.binds).toMatchObject({ what: "workers", values: { held: 1, used: 64 } });
    const capacity = (await world.operator.get("/v1/ops/capacity?maxAgeSeconds=10").expect(200)).body;
    // One worker ends 1/s, all slots used: (2 + 2 / 10) / 0.8
    expect(capacity).toMatchObject({
      maxAgeSeconds: 10,
      arrivalPerSecond: 2,
      servicePerSecond: 1,
      backlog: 2,
      drainSeconds: null,
      workers: { alive: 1, slots: 64, used: 64, utilisation: 1 },
      workersNeeded: 3,
      binds: { what: "workers" },
    });
    await unplantWorkers();
  });

  it("sees a tenant at its limit", async () => {
    await admin("delete from keelson.executions");
    const client = await world.tenant();
    await world.operator.patch(`/v1/tenants/${client.tenantId}`, { limits: { unfinishedExecutions: 1 } }).expect(200);
    await start(client, await client.save(documentOf()));
    await plantWorker({ executions: 0, slots: 64 });
    const { binds } = (await world.operator.get("/v1/ops/capacity").expect(200)).body;
    expect(binds).toMatchObject({ what: "limit", values: { tenantsFull: 1 } });
    await unplantWorkers();
  });

  it.each(["0", "86401", "x", "1.5", "-1"])("refuses maxAgeSeconds=%s with 400", async (value) => {
    const { body } = await world.operator.get(`/v1/ops/capacity?maxAgeSeconds=${value}`).expect(400);
    expect(body.errors[0].path).toBe("?maxAgeSeconds");
  });

  async function backlog() {
    return (await world.operator.get("/v1/ops/overview").expect(200)).body.backlog;
  }
});

describe("POST /v1/ops/audit and GET /v1/ops/violations", () => {
  it("find nothing on an engine that is well", async () => {
    await admin("delete from keelson.executions");
    await world.work();
    const client = await world.tenant();
    await run(client, await client.save(documentOf()));
    const { body } = await world.operator.post("/v1/ops/audit").expect(200);
    expect(body.violations).toEqual([]);
    expect(body.checked).toMatchObject({ ended: 1, complete: true, endedSince: expect.any(String) });
    expect((await world.operator.get("/v1/ops/violations").expect(200)).body).toEqual({ items: [], nextCursor: null });
  });

  it("are the same by GET, for what can only read", async () => {
    const { body } = await world.operator.get("/v1/ops/audit").expect(200);
    expect(body).toEqual({ checked: expect.objectContaining({ complete: true }), violations: [] });
  });

  it("tell of what is broken, keep it with its times, count it, and show it page by page", async () => {
    const client = await world.tenant();
    const name = await client.save(documentOf());
    await client.post(`/v1/workflows/${name}/pause`).expect(200);
    const ids = [await start(client, name), await start(client, name)];
    await admin("update keelson.workflows set status = 'active' where tenant_id = $1", [client.tenantId]);

    const { violations } = (await world.operator.post("/v1/ops/audit").expect(200)).body;
    const found = violations.map((violation: { subject: { id: string } }) => violation.subject.id);
    expect(found.toSorted()).toEqual(ids);
    expect(violations[0]).toMatchObject({
      code: "HELD_FOR_NO_PAUSE",
      invariant: "I5",
      tenantId: client.tenantId,
      subject: { type: "execution" },
      place: "",
      text: expect.stringContaining("held, but its workflow is active"),
      remedy: expect.stringContaining("Pause the workflow and resume it"),
    });

    const first = (await world.operator.get("/v1/ops/violations?limit=1").expect(200)).body;
    const second = (await world.operator.get(`/v1/ops/violations?limit=1&cursor=${first.nextCursor}`).expect(200)).body;
    const seen = [...first.items, ...second.items];
    expect(new Set(seen.map((item) => item.subject.id))).toEqual(new Set(ids));
    expect(second.nextCursor).toBeNull();

    // Its remedy helps; what was found stays on record.
    await client.post(`/v1/workflows/${name}/pause`).expect(200);
    await client.post(`/v1/workflows/${name}/resume`).expect(200);
    expect((await world.operator.post("/v1/ops/audit").expect(200)).body.violations).toEqual([]);
    const after = (await world.operator.get("/v1/ops/violations").expect(200)).body.items;
    expect(after.toSorted(bySubject)).toEqual(seen.toSorted(bySubject));
    const metrics = await world.operator.raw("/metrics");
    const series = 'keelson_invariant_violations_total{check="HELD_FOR_NO_PAUSE",invariant="I5",';
    expect(metrics.text.split("\n").filter((line) => line.startsWith(series))).toEqual([expect.stringMatching(/ 2$/)]);
    // Those that nothing was found of are there as well: a first finding is an increase.
    expect(metrics.text).toMatch(
      /keelson_invariant_violations_total\{check="OTHER_TENANTS",invariant="I7",[^}]*\} 0$/m,
    );
  });

  function bySubject(a: { subject: { id: string } }, b: { subject: { id: string } }): number {
    return a.subject.id < b.subject.id ? -1 : 1;
  }
});
