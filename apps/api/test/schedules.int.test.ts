import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
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
      await world.b.get(`/v1/schedules/${foreign}`).expect(404);
      await world.b.post(`/v1/schedules/${foreign}/pause`).expect(404);
      await world.b.post(`/v1/schedules/${foreign}/resume`).expect(404);
    }
    expect((await world.b.get("/v1/schedules").expect(200)).body.items).toEqual([]);
  });
});
