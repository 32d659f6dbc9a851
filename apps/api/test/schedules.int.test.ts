import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { untilEnd } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
});
afterAll(() => world.close());

const nightly = { id: "nightly", type: "schedule", cron: "30 2 * * *", timezone: "Europe/Berlin" };
const scheduleOf = async (client: Client, triggers = [nightly]) => {
  const saved = documentOf({ triggers });
  const { body } = await client.post("/v1/workflows", saved).expect(201);
  return { saved, id: body.triggers[0].scheduleId, workflow: body.name };
};

describe("schedules", () => {
  it("are listed and read with their next five fire times", async () => {
    const tenant = await world.tenant();
    const { id, workflow } = await scheduleOf(tenant);
    const { body } = await tenant.get("/v1/schedules").expect(200);
    expect(body).toEqual({
      items: [
        {
          id,
          workflow,
          triggerId: "nightly",
          cron: "30 2 * * *",
          timezone: "Europe/Berlin",
          status: "active",
          next: expect.any(Array),
          lastFiredAt: null,
        },
      ],
      nextCursor: null,
    });
    const times = body.items[0].next.map((time: string) => Date.parse(time));
    expect(times).toHaveLength(5);
    expect(times.toSorted((x: number, y: number) => x - y)).toEqual(times);
    expect(times[0]).toBeGreaterThan(Date.now());
    expect((await tenant.get(`/v1/schedules/${id}`).expect(200)).body).toEqual(body.items[0]);
  });

  it("are paused and resumed: due times in between are dropped, the next is the first from then on", async () => {
    const { id } = await scheduleOf(a);
    const paused = await a.post(`/v1/schedules/${id}/pause`).expect(200);
    expect(paused.body).toMatchObject({ id, status: "paused", next: [] });
    await world.admin.pool.query("update keelson.schedules set next_at = now() - interval '1 day' where id = $1", [id]);
    const resumed = await a.post(`/v1/schedules/${id}/resume`).expect(200);
    expect(resumed.body.status).toBe("active");
    expect(Date.parse(resumed.body.next[0])).toBeGreaterThan(Date.now());
    for (const verb of ["resume", "pause", "pause"]) await a.post(`/v1/schedules/${id}/${verb}`).expect(200);
    const audit = await a.get("/v1/audit?limit=4").expect(200);
    expect(audit.body.items.map((entry: { action: string }) => entry.action)).toEqual([
      "schedule.paused",
      "schedule.resumed",
      "schedule.paused",
      "workflow.created",
    ]);
  });

  it("keep their pause over versions, and are not there while the latest version leaves them out", async () => {
    const { id, saved, workflow } = await scheduleOf(a);
    await a.post(`/v1/schedules/${id}/pause`).expect(200);
    await a.put(`/v1/workflows/${workflow}`, { ...saved, triggers: [] }).expect(200);
    await a.get(`/v1/schedules/${id}`).expect(404);
    await a.post(`/v1/schedules/${id}/resume`).expect(404);
    await a.put(`/v1/workflows/${workflow}`, { ...saved, triggers: [{ ...nightly, cron: "0 5 * * *" }] }).expect(200);
    expect((await a.get(`/v1/schedules/${id}`).expect(200)).body).toMatchObject({
      cron: "0 5 * * *",
      status: "paused",
    });
  });

  it("belong to one tenant", async () => {
    const { id } = await scheduleOf(a);
    for (const foreign of [id, randomUUID()]) {
      await world.b.get(`/v1/schedules/${foreign}/fires`).expect(404);
      await world.b.post(`/v1/schedules/${foreign}/run`).expect(404);
      await world.b.get(`/v1/schedules/${foreign}`).expect(404);
      await world.b.post(`/v1/schedules/${foreign}/pause`).expect(404);
      await world.b.post(`/v1/schedules/${foreign}/resume`).expect(404);
    }
    expect((await world.b.get("/v1/schedules").expect(200)).body.items).toEqual([]);
  });
});

/** Settles due times as a scheduler does. `fires`: minutes of 2026-03-01 10:00, and what they were. */
async function settle(id: string, fires: readonly object[], nextAt: Date): Promise<void> {
  const { rows } = await world.admin.pool.query("select tenant_id, next_at from keelson.schedules where id = $1", [id]);
  await world.admin.pool.query("select keelson.schedule_fire($1, $2, $3, $4, $5)", [
    rows[0].tenant_id,
    id,
    rows[0].next_at,
    nextAt,
    JSON.stringify(fires.map((fire) => ({ executionId: randomUUID(), missed: false, ...fire }))),
  ]);
}
const at = (minute: number) => new Date(Date.UTC(2026, 2, 1, 10, minute)).toISOString();

describe("fires", () => {
  it("are listed latest first with reason and execution: due, fired, caught up, skipped, missed", async () => {
    const { id } = await scheduleOf(a, [{ ...nightly, overlap: "skip" } as typeof nightly]);
    const nextAt = new Date("2999-01-01T02:30:00.000Z");
    await settle(
      id,
      [
        { dueAt: at(0), untilAt: at(4), count: 5, missed: true },
        { dueAt: at(5), missed: true },
        { dueAt: at(6), late: true },
        { dueAt: at(7) },
      ],
      nextAt,
    );
    const { body } = await a.get(`/v1/schedules/${id}/fires`).expect(200);
    const single = { until: null, count: 1, firedAt: null, reason: null, executionId: null };
    const because = (code: string) => ({ code, text: expect.any(String) });
    expect(body).toEqual({
      items: [
        { ...single, scheduledAt: nextAt.toISOString(), status: "due" },
        { ...single, scheduledAt: at(7), status: "skipped", reason: because("OVERLAP") },
        {
          ...single,
          scheduledAt: at(6),
          status: "fired",
          reason: because("CAUGHT_UP"),
          firedAt: expect.any(String),
          executionId: expect.any(String),
        },
        { ...single, scheduledAt: at(5), status: "missed", reason: because("MISSED") },
        { ...single, scheduledAt: at(0), until: at(4), count: 5, status: "missed", reason: because("MISSED") },
      ],
      nextCursor: null,
    });
    const execution = await a.get(`/v1/executions/${body.items[2].executionId}`).expect(200);
    expect(execution.body.trigger).toMatchObject({ type: "schedule", id: "nightly", scheduledAt: at(6) });
    expect((await a.get(`/v1/schedules/${id}`).expect(200)).body.lastFiredAt).toBe(at(6));
  });

  it("are paged without a hole and filtered by status and time", async () => {
    const { id } = await scheduleOf(a);
    const fires = Array.from({ length: 6 }, (_, n) => ({ dueAt: at(n), missed: n % 2 === 0 }));
    await settle(id, fires, new Date("2999-01-01T02:30:00Z"));
    const list = async (query: string) => (await a.get(`/v1/schedules/${id}/fires?${query}`).expect(200)).body;
    const seen: string[] = [];
    let cursor = "";
    for (;;) {
      const page = await list(`limit=2${cursor}`);
      seen.push(...page.items.map((fire: { scheduledAt: string }) => fire.scheduledAt));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(seen).toEqual(["2999-01-01T02:30:00.000Z", ...[5, 4, 3, 2, 1, 0].map(at)]);
    const times = async (query: string) =>
      (await list(query)).items.map((fire: { scheduledAt: string }) => fire.scheduledAt);
    expect(await times("status=missed")).toEqual([4, 2, 0].map(at));
    expect(await times("status=due,missed&limit=2")).toEqual(["2999-01-01T02:30:00.000Z", at(4)]);
    expect(await times(`since=${at(2)}&until=${at(4)}`)).toEqual([3, 2].map(at));
    await a.get(`/v1/schedules/${id}/fires?status=late`).expect(400);
  });

  it("tell of the due times that a pause has dropped, in one entry", async () => {
    const { id } = await scheduleOf(a, [{ ...nightly, cron: "* * * * *" }]);
    await a.post(`/v1/schedules/${id}/pause`).expect(200);
    expect((await a.get(`/v1/schedules/${id}/fires`).expect(200)).body.items).toEqual([]);
    await world.admin.pool.query(
      "update keelson.schedules set next_at = date_trunc('minute', now()) - interval '30 minutes' where id = $1",
      [id],
    );
    await a.post(`/v1/schedules/${id}/resume`).expect(200);
    const { items } = (await a.get(`/v1/schedules/${id}/fires?status=skipped`).expect(200)).body;
    expect(items).toMatchObject([{ reason: { code: "SCHEDULE_PAUSED" }, executionId: null }]);
    expect([31, 32]).toContain(items[0].count);
    expect(Date.parse(items[0].until) - Date.parse(items[0].scheduledAt)).toBe((items[0].count - 1) * 60_000);
  });
});

describe("a run by hand", () => {
  it("starts an execution with the schedule's input, is among its fires, and leaves its due times alone", async () => {
    const input = { mode: "sweep" };
    const { id } = await scheduleOf(a, [{ ...nightly, input, overlap: "skip" } as typeof nightly]);
    const before = (await a.get(`/v1/schedules/${id}`).expect(200)).body;
    const { body, headers } = await a.post(`/v1/schedules/${id}/run`).expect(202);
    expect(headers["location"]).toBe(`/v1/executions/${body.id}`);
    expect(body).toMatchObject({
      input,
      trigger: { type: "schedule", id: "nightly", scheduledAt: expect.any(String) },
    });
    // Another one, though the first has not ended.
    await a.post(`/v1/schedules/${id}/run`).expect(202);
    expect((await a.get(`/v1/schedules/${id}`).expect(200)).body).toEqual(before);
    const fires = (await a.get(`/v1/schedules/${id}/fires?status=fired`).expect(200)).body.items;
    expect(fires).toHaveLength(2);
    expect(fires[1]).toMatchObject({
      scheduledAt: body.trigger.scheduledAt,
      reason: { code: "RUN_NOW" },
      executionId: body.id,
    });
  });

  it("is one execution however often it is asked for with the same Idempotency-Key", async () => {
    const { id, workflow } = await scheduleOf(a);
    const run = () => a.post(`/v1/schedules/${id}/run`).set("idempotency-key", "k").expect(202);
    const answers = await Promise.all(Array.from({ length: 10 }, run));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const other = await a.post(`/v1/workflows/${workflow}/executions`, {}).set("idempotency-key", "k").expect(422);
    expect(other.body.code).toBe("IDEMPOTENCY_MISMATCH");
    expect((await a.get(`/v1/schedules/${id}/fires?status=fired`).expect(200)).body.items).toHaveLength(1);
  });

  it("works while the schedule is paused, and is kept while the workflow is", async () => {
    await world.work();
    const { id, workflow } = await scheduleOf(a);
    await a.post(`/v1/schedules/${id}/pause`).expect(200);
    const first = await a.post(`/v1/schedules/${id}/run`).expect(202);
    expect((await untilEnd(a, first.body.id)).status).toBe("succeeded");
    await a.post(`/v1/workflows/${workflow}/pause`).expect(200);
    const held = await a.post(`/v1/schedules/${id}/run`).expect(202);
    const { rows } = await world.admin.pool.query("select held from keelson.executions where id = $1", [held.body.id]);
    expect(rows).toEqual([{ held: true }]);
    expect(held.body.trigger.lastSuccessAt).toBe(first.body.trigger.scheduledAt);
    await a.post(`/v1/workflows/${workflow}/resume`).expect(200);
    expect((await untilEnd(a, held.body.id)).status).toBe("succeeded");
  });

  it("is refused for what is archived or left out, over the tenant's limit, and without the scope", async () => {
    const tenant = await world.tenant();
    const { id, saved, workflow } = await scheduleOf(tenant);
    await (await tenant.withScopes(["read", "write"])).post(`/v1/schedules/${id}/run`).expect(403);
    await tenant.post(`/v1/workflows/${workflow}/pause`).expect(200);
    await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { unfinishedExecutions: 1 } }).expect(200);
    await tenant.post(`/v1/schedules/${id}/run`).expect(202);
    const full = await tenant.post(`/v1/schedules/${id}/run`).expect(429);
    expect(full.body.code).toBe("TOO_MANY_UNFINISHED");
    await tenant.put(`/v1/workflows/${workflow}`, { ...saved, triggers: [] }).expect(200);
    await tenant.post(`/v1/schedules/${id}/run`).expect(404);
    await tenant.put(`/v1/workflows/${workflow}`, saved).expect(200);
    await tenant.delete(`/v1/workflows/${workflow}`).expect(204);
    const archived = await tenant.post(`/v1/schedules/${id}/run`).expect(409);
    expect(archived.body.code).toBe("WORKFLOW_ARCHIVED");
  });
});

describe("a preview", () => {
  it("has the fires of a cron and zone that are not saved, with what clock changes do to them", async () => {
    const reader = await a.withScopes(["read"]);
    const { body } = await reader
      .post("/v1/schedules/preview", {
        cron: "30 2 * * *",
        timezone: "Europe/Berlin",
        count: 3,
        from: "2027-03-26T12:00:00Z",
      })
      .expect(200);
    expect(body).toEqual({
      cron: "30 2 * * *",
      timezone: "Europe/Berlin",
      next: ["2027-03-27T01:30:00.000Z", "2027-03-28T01:00:00.000Z", "2027-03-29T00:30:00.000Z"],
      warnings: [
        { path: "/cron", code: "CLOCK_CHANGE_SKIPS", message: expect.stringContaining("2027-03-28") },
        { path: "/cron", code: "CLOCK_CHANGE_REPEATS", message: expect.stringContaining("2027-10-31") },
      ],
    });
    const plain = await reader.post("/v1/schedules/preview", { cron: "0 * * * *" }).expect(200);
    expect(plain.body).toMatchObject({ timezone: "UTC", warnings: [] });
    expect(plain.body.next).toHaveLength(5);
  });

  it("refuses what a save refuses, with the place", async () => {
    const refusal = async (body: object) => (await a.post("/v1/schedules/preview", body).expect(422)).body;
    expect(await refusal({ cron: "60 * * * *" })).toMatchObject({
      code: "INVALID_DEFINITION",
      errors: [{ path: "/cron", code: "INVALID_CRON", message: expect.any(String) }],
    });
    expect(await refusal({ cron: "0 0 31 2 *" })).toMatchObject({ errors: [{ code: "INVALID_CRON" }] });
    expect(await refusal({ cron: "0 2 * * *", timezone: "Berlin" })).toMatchObject({
      errors: [{ path: "/timezone", code: "INVALID_TIMEZONE", message: expect.stringContaining("Europe/Berlin") }],
    });
    await a.post("/v1/schedules/preview", { cron: "0 2 * * *", count: 101 }).expect(400);
  });
});

describe("a save", () => {
  it("warns of what a clock change will do to a schedule, also when it is only checked", async () => {
    const document = documentOf({ triggers: [nightly] });
    const warned = [
      { path: "/triggers/0/cron", code: "CLOCK_CHANGE_SKIPS" },
      { path: "/triggers/0/cron", code: "CLOCK_CHANGE_REPEATS" },
    ];
    const inAnyOrder = (body: { warnings: { code: string }[] }) =>
      body.warnings.toSorted((x, y) => y.code.localeCompare(x.code));
    const validated = await a.post("/v1/workflows/validate", document).expect(200);
    expect(inAnyOrder(validated.body)).toMatchObject(warned);
    const tried = await a.put(`/v1/workflows/${document.name}?dryRun=true`, document).expect(200);
    expect(inAnyOrder(tried.body)).toMatchObject(warned);
    const created = await a.post("/v1/workflows", document).expect(201);
    expect(inAnyOrder(created.body)).toMatchObject(warned);
  });
});
