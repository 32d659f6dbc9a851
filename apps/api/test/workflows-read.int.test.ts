import { randomUUID } from "node:crypto";
import { conditionStep, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { type World, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("GET /v1/workflows", () => {
  it("lists them newest first, without definitions, and without archived ones unless asked for", async () => {
    const tenant = await world.tenant();
    const older = (await tenant.post("/v1/workflows", documentOf({ description: "old" })).expect(201)).body;
    const newer = (await tenant.post("/v1/workflows", documentOf()).expect(201)).body;
    const gone = (await tenant.post("/v1/workflows", documentOf()).expect(201)).body;
    await tenant.delete(`/v1/workflows/${gone.id}`).expect(204);
    const { definition: _definition, warnings: _warnings, ...item } = older;
    const { body } = await tenant.get("/v1/workflows").expect(200);
    expect(body).toEqual({ items: [expect.objectContaining({ id: newer.id }), item], nextCursor: null });
    const archived = await tenant.get("/v1/workflows?status=archived,paused").expect(200);
    expect(archived.body.items).toMatchObject([{ id: gone.id, status: "archived" }]);
    await tenant.get("/v1/workflows?status=gone").expect(400);
  });
});

describe("GET /v1/workflows/:ref", () => {
  it("reads by name and by id, with the definition as it was written and its ETag", async () => {
    const saved = documentOf({ tags: ["x"], output: { z: 1, a: [1.5, null, "ä"] } });
    const { id, name } = (await world.a.post("/v1/workflows", saved).expect(201)).body;
    const byId = await world.a.get(`/v1/workflows/${id}`).expect(200);
    const byName = await world.a.get(`/v1/workflows/${name}`).expect(200);
    expect(byName.body).toEqual(byId.body);
    expect(byId.body.definition).toEqual(saved);
    expect(Object.keys(byId.body.definition.output)).toEqual(["z", "a"]);
    expect(byId.headers["etag"]).toBe('"1"');
    expect(byId.body).not.toHaveProperty("warnings");
  });

  it("is 404 for what is not there, and for another tenant's", async () => {
    const { id, name } = (await world.a.post("/v1/workflows", documentOf()).expect(201)).body;
    for (const ref of [id, name, randomUUID(), "none"]) {
      for (const path of ["", "/versions", "/versions/1"]) {
        const answer = await world.b.get(`/v1/workflows/${ref}${path}`);
        expect(answer.body).toMatchObject({ code: "NOT_FOUND", status: 404 });
      }
    }
  });
});

describe("versions", () => {
  it("are listed newest first, each whole, and read by number", async () => {
    const saved = documentOf();
    const { id } = (await world.a.post("/v1/workflows", saved).expect(201)).body;
    for (const description of ["two", "three"])
      await world.a.put(`/v1/workflows/${id}`, { ...saved, description }).expect(200);
    const one = (await world.a.get(`/v1/workflows/${id}/versions?limit=2`).expect(200)).body;
    expect(one.items).toMatchObject([
      { version: 3, definition: { description: "three" } },
      { version: 2, definition: { description: "two" } },
    ]);
    const two = (await world.a.get(`/v1/workflows/${id}/versions?limit=2&cursor=${one.nextCursor}`).expect(200)).body;
    expect(two).toMatchObject({ items: [{ version: 1, definition: saved }], nextCursor: null });
    const read = await world.a.get(`/v1/workflows/${id}/versions/2`).expect(200);
    expect(read.body).toEqual(one.items[1]);
    await world.a.get(`/v1/workflows/${id}/versions/4`).expect(404);
  });

  it("come in shorter pages where their definitions are large", async () => {
    const padding = (n: number) => ({ description: `${n}`, output: "x".repeat(240_000) });
    const saved = documentOf();
    const { id } = (await world.a.post("/v1/workflows", { ...saved, ...padding(0) }).expect(201)).body;
    for (let n = 1; n < 20; n++) await world.a.put(`/v1/workflows/${id}`, { ...saved, ...padding(n) }).expect(200);
    const one = (await world.a.get(`/v1/workflows/${id}/versions?limit=100`).expect(200)).body;
    expect(one.items.length).toBeLessThan(20);
    const two = (await world.a.get(`/v1/workflows/${id}/versions?limit=100&cursor=${one.nextCursor}`).expect(200)).body;
    expect([...one.items, ...two.items].map((item: { version: number }) => item.version)).toEqual(
      Array.from({ length: 20 }, (_, n) => 20 - n),
    );
  });
});

describe("POST /v1/workflows/validate", () => {
  it("answers with the order, the depth and each step's join, and saves nothing", async () => {
    const steps = [
      transformStep("first", 1),
      conditionStep("which", "true", { dependsOn: ["first"] }),
      transformStep("a", 1, { dependsOn: ["which:true"] }),
      transformStep("b", 1, { dependsOn: ["which:false"] }),
      transformStep("merge", 1, { dependsOn: ["a", "b"] }),
      transformStep("both", 1, { dependsOn: ["first", "which"] }),
    ];
    const valid = documentOf({}, steps);
    const { body } = await world.a.post("/v1/workflows/validate", valid).expect(200);
    expect(body).toMatchObject({
      valid: true,
      order: [["first"], ["which"], ["a", "b", "both"], ["merge"]],
      depth: 4,
      warnings: [],
    });
    expect(body.steps).toContainEqual({ id: "merge", join: "any" });
    expect(body.steps).toContainEqual({ id: "both", join: "all" });
    await world.a.get(`/v1/workflows/${valid.name}`).expect(404);
  });

  it("answers 422 with every problem", async () => {
    const { body } = await world.a.post("/v1/workflows/validate", { name: "X", steps: [{}] }).expect(422);
    expect(body.code).toBe("INVALID_DEFINITION");
    expect(body.errors.length).toBeGreaterThan(1);
  });

  it("does not mind that the name is in use: it may be a version to come", async () => {
    const saved = documentOf();
    await world.a.save(saved);
    expect((await world.a.post("/v1/workflows/validate", saved).expect(200)).body.valid).toBe(true);
  });
});

describe("DELETE /v1/workflows/:ref", () => {
  it("archives: the name is free again, the history stays readable by id, and nothing changes any more", async () => {
    const saved = documentOf({ triggers: [{ id: "s", type: "schedule", cron: "0 2 * * *" }] });
    const { id, name, triggers } = (await world.a.post("/v1/workflows", saved).expect(201)).body;
    await world.a.delete(`/v1/workflows/${name}`).expect(204);
    await world.a.delete(`/v1/workflows/${id}`).expect(204);
    await world.a.delete(`/v1/workflows/${name}`).expect(404);
    expect((await world.a.get(`/v1/workflows/${id}`).expect(200)).body.status).toBe("archived");
    await world.a.get(`/v1/workflows/${id}/versions/1`).expect(200);
    await world.a.get(`/v1/workflows/${name}`).expect(404);
    expect((await world.a.put(`/v1/workflows/${id}`, saved).expect(409)).body.code).toBe("WORKFLOW_ARCHIVED");
    const { rows } = await world.admin.pool.query("select in_latest, next_at from keelson.schedules where id = $1", [
      triggers[0].scheduleId,
    ]);
    expect(rows).toEqual([{ in_latest: false, next_at: null }]);
    const again = await world.a.put(`/v1/workflows/${name}`, saved).expect(201);
    expect(again.body.id).not.toBe(id);
  });

  it("is refused where If-Match is stale, and unknown to another tenant", async () => {
    const { id } = (await world.a.post("/v1/workflows", documentOf()).expect(201)).body;
    await world.b.delete(`/v1/workflows/${id}`).expect(404);
    await world.a.delete(`/v1/workflows/${id}`).set("if-match", '"2"').expect(412);
    expect((await world.a.get(`/v1/workflows/${id}`).expect(200)).body.status).toBe("active");
  });
});
