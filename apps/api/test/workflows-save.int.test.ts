import { randomUUID } from "node:crypto";
import type { JsonObject } from "@keelson/contracts";
import { transformStep, uniqueName, workflowOf } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { INGRESS_URL, type World, createWorld } from "./support/world.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const child = (id: string, workflow: string): JsonObject => ({ id, type: "subworkflow", config: { workflow } });

describe("POST /v1/workflows", () => {
  it("answers 201 with the workflow, its definition, its hooks' addresses and the version as ETag", async () => {
    const saved = documentOf({
      description: "What it is for",
      triggers: [
        { id: "orders", type: "webhook", signature: { secrets: ["S"] } },
        { id: "nightly", type: "schedule", cron: "0 2 * * *" },
      ],
    });
    const { body, headers } = await world.a.post("/v1/workflows", saved).expect(201);
    expect(body).toEqual({
      id: expect.stringMatching(ID),
      name: saved.name,
      description: "What it is for",
      status: "active",
      latestVersion: 1,
      triggers: [
        {
          id: "orders",
          type: "webhook",
          signature: { secrets: ["S"] },
          hookId: expect.stringMatching(ID),
          url: `${INGRESS_URL}/hooks/${body.triggers[0].hookId}`,
        },
        { id: "nightly", type: "schedule", cron: "0 2 * * *", scheduleId: expect.stringMatching(ID) },
      ],
      createdAt: expect.stringMatching(TIME),
      updatedAt: body.createdAt,
      definition: body.definition,
      warnings: [],
    });
    expect(headers["etag"]).toBe('"1"');
    expect(headers["location"]).toBe(`/v1/workflows/${body.id}`);
  });

  it("warns of what is allowed, but perhaps not meant", async () => {
    const triggers = [{ id: "open", type: "webhook", signature: { scheme: "none" } }];
    const { body } = await world.a.post("/v1/workflows", documentOf({ triggers })).expect(201);
    expect(body.warnings).toEqual([
      { path: "/triggers/0/signature/scheme", code: "SIGNATURE_NONE", message: expect.any(String) },
    ]);
  });

  it("refuses a name that is taken with 409, whoever is first; another tenant may have it", async () => {
    const saved = documentOf();
    const answers = await Promise.all([1, 2, 3].map(() => world.a.post("/v1/workflows", saved)));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
    expect(answers.find((answer) => answer.status === 409)?.body.code).toBe("NAME_TAKEN");
    await world.b.post("/v1/workflows", saved).expect(201);
  });

  it("refuses a wrong document with 422 and all of its problems at once, those of other workflows too", async () => {
    const wrong = {
      name: uniqueName("wrong"),
      extra: 1,
      triggers: [{ id: "n", type: "schedule", cron: "60 * * * *" }],
      steps: [
        transformStep("one", "{{ steps.none.output }}"),
        { ...child("two", "no-such-workflow"), dependsOn: ["missing"] },
        transformStep("one", "{{ 1 + }}"),
      ],
      onFailure: "neither-this",
    };
    const { body } = await world.a.post("/v1/workflows", wrong).expect(422);
    expect(body).toMatchObject({ code: "INVALID_DEFINITION", status: 422 });
    const codes = body.errors.map((error: { path: string; code: string }) => `${error.code} ${error.path}`);
    for (const expected of [
      "INVALID_FIELD /extra",
      "INVALID_CRON /triggers/0/cron",
      "UNKNOWN_REFERENCE /steps/0/config/output",
      "UNKNOWN_STEP /steps/1/dependsOn/0",
      "UNKNOWN_WORKFLOW /steps/1/config/workflow",
      "DUPLICATE_STEP_ID /steps/2/id",
      "EXPRESSION_SYNTAX /steps/2/config/output",
      "UNKNOWN_WORKFLOW /onFailure",
    ]) {
      expect(codes).toContain(expected);
    }
    for (const error of body.errors) expect(Object.keys(error).toSorted()).toEqual(["code", "message", "path"]);
  });

  it.each([
    [[]],
    [{}],
    [{ name: "x" }],
    [{ name: "x", steps: [] }],
    [{ name: randomUUID(), steps: [transformStep("a", 1)] }],
  ])("refuses %j with 422", async (body) => {
    expect((await world.a.post("/v1/workflows", body).expect(422)).body.code).toBe("INVALID_DEFINITION");
  });

  it("refuses no body at all with 400", async () => {
    expect((await world.a.post("/v1/workflows").expect(400)).body.code).toBe("INVALID_REQUEST");
  });

  it("knows the workflows that a step names in the same tenant alone", async () => {
    const inner = await world.a.save(documentOf());
    const outer = workflowOf([child("c", inner)], { onFailure: inner });
    await world.a.post("/v1/workflows", outer).expect(201);
    const { body } = await world.b.post("/v1/workflows", outer).expect(422);
    expect(body.errors.map((error: { code: string }) => error.code)).toEqual(["UNKNOWN_WORKFLOW", "UNKNOWN_WORKFLOW"]);
  });

  it("refuses a workflow that reaches itself, and more than three levels below one", async () => {
    const self = uniqueName("self");
    const direct = await world.a.post("/v1/workflows", { name: self, steps: [child("c", self)] }).expect(422);
    expect(direct.body.errors).toMatchObject([{ code: "NESTING_EXCEEDED", path: "/steps/0/config/workflow" }]);

    let name = await world.a.save(documentOf());
    for (let level = 0; level < 3; level++) name = await world.a.save(workflowOf([child("c", name)]));
    const tooDeep = await world.a.post("/v1/workflows", workflowOf([child("c", name)])).expect(422);
    expect(tooDeep.body.errors).toMatchObject([{ code: "NESTING_EXCEEDED" }]);

    const leaf = await world.a.save(documentOf());
    const root = await world.a.save(workflowOf([child("c", leaf)]));
    const circle = await world.a.put(`/v1/workflows/${leaf}`, { name: leaf, steps: [child("c", root)] }).expect(422);
    expect(circle.body.errors).toMatchObject([{ code: "NESTING_EXCEEDED" }]);
  });
});

describe("PUT /v1/workflows/:ref", () => {
  it("creates by name with 201, saves a new version with 200, and an identical document makes none", async () => {
    const first = documentOf();
    const path = `/v1/workflows/${first.name}`;
    const created = await world.a.put(path, first).expect(201);
    expect(created.body.latestVersion).toBe(1);
    const same = await world.a.put(path, Object.fromEntries(Object.entries(first).toReversed())).expect(200);
    expect(same.body).toEqual(created.body);
    expect(same.headers["etag"]).toBe('"1"');
    const changed = await world.a.put(path, { ...first, description: "new" }).expect(200);
    expect(changed.body).toMatchObject({ id: created.body.id, latestVersion: 2, description: "new" });
    expect(changed.body.updatedAt > created.body.updatedAt).toBe(true);
    expect(changed.headers["etag"]).toBe('"2"');
    const versions = await world.a.get(`${path}/versions`).expect(200);
    expect(versions.body.items.map((item: { version: number }) => item.version)).toEqual([2, 1]);
  });

  it("makes one workflow and one version of many PUTs at once", async () => {
    const same = documentOf();
    const path = `/v1/workflows/${same.name}`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.a.put(path, same)));
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([...Array(7).fill(200), 201]);
    const versions = await Promise.all(
      Array.from({ length: 8 }, (_, n) => world.a.put(path, { ...same, description: `${n}` })),
    );
    const numbers = versions.map((answer) => answer.body.latestVersion).toSorted((a, b) => a - b);
    expect(numbers).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("loses no update: If-Match lets one of several through, and 412 says which version there is", async () => {
    const saved = documentOf();
    const path = `/v1/workflows/${saved.name}`;
    expect((await world.a.put(path, saved).set("if-match", '"1"').expect(412)).body.code).toBe("VERSION_STALE");
    await world.a.put(path, saved).expect(201);
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => world.a.put(path, { ...saved, description: `${n}` }).set("if-match", '"1"')),
    );
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([200, 412, 412, 412]);
    expect(answers.find((answer) => answer.status === 412)?.body).toMatchObject({ code: "VERSION_STALE" });
    await world.a.put(path, saved).set("if-match", 'W/"2"').expect(412);
    await world.a.put(path, saved).set("if-match", "2").expect(400);
    await world.a.put(path, saved).set("if-match", '"1", "2"').expect(200);
    const any = await world.a
      .put(path, { ...saved, description: "any" })
      .set("if-match", "*")
      .expect(200);
    expect(any.body.latestVersion).toBe(4);
  });

  it("by name must carry that name; by id may rename, and frees the old name", async () => {
    const saved = documentOf();
    const { id, name } = (await world.a.post("/v1/workflows", saved).expect(201)).body;
    const other = uniqueName("renamed");
    const refused = await world.a.put(`/v1/workflows/${name}`, { ...saved, name: other }).expect(422);
    expect(refused.body.errors).toMatchObject([{ path: "/name", code: "INVALID_FIELD" }]);
    const renamed = await world.a.put(`/v1/workflows/${id}`, { ...saved, name: other }).expect(200);
    expect(renamed.body).toMatchObject({ id, name: other, latestVersion: 2 });
    await world.a.get(`/v1/workflows/${name}`).expect(404);
    await world.a.post("/v1/workflows", saved).expect(201);
    const taken = await world.a.put(`/v1/workflows/${id}`, saved).expect(409);
    expect(taken.body.code).toBe("NAME_TAKEN");
    expect((await world.a.put(`/v1/workflows/${id}?dryRun=true`, saved).expect(409)).body.code).toBe("NAME_TAKEN");
  });

  it("by an id that is not there, or another tenant's, is 404", async () => {
    const saved = documentOf();
    const { id } = (await world.a.post("/v1/workflows", saved).expect(201)).body;
    expect((await world.b.put(`/v1/workflows/${id}`, saved).expect(404)).body.code).toBe("NOT_FOUND");
    expect((await world.a.put(`/v1/workflows/${randomUUID()}`, saved).expect(404)).body.code).toBe("NOT_FOUND");
    expect(
      (await world.b.get("/v1/workflows").expect(200)).body.items.map((item: { id: string }) => item.id),
    ).not.toContain(id);
  });

  it("?dryRun=true says what a save would do, and saves nothing", async () => {
    const saved = documentOf();
    const path = `/v1/workflows/${saved.name}`;
    const dry = (body: object) => world.a.put(`${path}?dryRun=true`, body);
    expect((await dry(saved).expect(200)).body).toEqual({ changed: true, nextVersion: 1, warnings: [] });
    await world.a.get(path).expect(404);
    await world.a.put(path, saved).expect(201);
    expect((await dry(saved).expect(200)).body).toEqual({ changed: false, nextVersion: 1, warnings: [] });
    const open = { ...saved, triggers: [{ id: "o", type: "webhook", signature: { scheme: "none" } }] };
    expect((await dry(open).expect(200)).body).toMatchObject({
      changed: true,
      nextVersion: 2,
      warnings: [{ code: "SIGNATURE_NONE" }],
    });
    await dry({ ...saved, steps: [] }).expect(422);
    await dry(saved).set("if-match", '"7"').expect(412);
    expect((await world.a.get(path).expect(200)).body.latestVersion).toBe(1);
    await world.a.put(`${path}?dryRun=yes`, saved).expect(400);
  });

  it("keeps the note of Keelson-Change-Note with the version, and who saved it", async () => {
    const saved = documentOf();
    const path = `/v1/workflows/${saved.name}`;
    await world.a.put(path, saved).set("keelson-change-note", "für später").expect(201);
    const version = await world.a.get(`${path}/versions/1`).expect(200);
    expect(version.body).toEqual({
      version: 1,
      createdAt: expect.stringMatching(TIME),
      createdBy: expect.stringMatching(/^apiKey:[0-9a-f-]{36}$/),
      note: "für später",
      contentHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      definition: saved,
    });
    await world.a
      .put(path, { ...saved, description: "x" })
      .set("keelson-change-note", "x".repeat(1_001))
      .expect(400);
  });
});

describe("hooks and schedules", () => {
  it("last over versions: known by workflow, trigger id and type; left out and put back they are the same", async () => {
    const hook = { id: "h", type: "webhook", signature: { scheme: "none" } };
    const schedule = { id: "s", type: "schedule", cron: "0 2 * * *" };
    const saved = documentOf({ triggers: [hook, schedule] });
    const save = async (triggers: object[]) =>
      (await world.a.put(`/v1/workflows/${saved.name}`, { ...saved, triggers })).body.triggers;
    const [first, second] = await save([hook, schedule]);
    expect(await save([])).toEqual([]);
    expect(await save([schedule, hook])).toEqual([second, first]);
    const [changed] = await save([{ ...hook, signature: { scheme: "github", secrets: ["S"] } }, schedule]);
    expect(changed).toMatchObject({ url: first.url, signature: { scheme: "github" } });
    const [asSchedule] = await save([{ ...schedule, id: "h" }]);
    expect(asSchedule.scheduleId).not.toBe(second.scheduleId);
  });

  it("a schedule fires by the latest version's settings, from the save on", async () => {
    const saved = documentOf();
    const rowOf = async () => {
      const { rows } = await world.admin.pool.query(
        "select s.*, s.next_at > now() as future from keelson.schedules s join keelson.workflows w on w.id = s.workflow_id where w.name = $1",
        [saved.name],
      );
      return rows[0];
    };
    const save = (schedule: object | null) =>
      world.a
        .put(`/v1/workflows/${saved.name}`, {
          ...saved,
          triggers: schedule === null ? [] : [{ id: "s", type: "schedule", ...schedule }],
        })
        .expect((answer) => expect(answer.status).toBeLessThan(300));
    await save({ cron: "0 2 * * *", timezone: "Europe/Berlin", missed: "all", overlap: "skip", input: { a: 1 } });
    const first = await rowOf();
    expect(first).toMatchObject({
      cron: "0 2 * * *",
      timezone: "Europe/Berlin",
      missed: "all",
      overlap: "skip",
      input: { a: 1 },
      in_latest: true,
      future: true,
      status: "active",
    });
    await save({ cron: "0 3 * * *" });
    const second = await rowOf();
    expect(second).toMatchObject({
      id: first.id,
      cron: "0 3 * * *",
      timezone: "UTC",
      missed: "latest",
      overlap: "allow",
      input: null,
    });
    expect(second.next_at.getUTCHours()).toBe(3);
    await save(null);
    expect(await rowOf()).toMatchObject({ id: first.id, in_latest: false, next_at: null });
    await save({ cron: "0 4 * * *" });
    expect(await rowOf()).toMatchObject({ id: first.id, in_latest: true, future: true });
  });

  it("a save that leaves a schedule's times alone drops no due time that is not settled yet", async () => {
    const schedule = { id: "s", type: "schedule", cron: "0 2 * * *" };
    const saved = documentOf({ triggers: [schedule] });
    const path = `/v1/workflows/${saved.name}`;
    const { scheduleId } = (await world.a.put(path, saved).expect(201)).body.triggers[0];
    const due = await world.admin.pool.query(
      "update keelson.schedules set next_at = now() - interval '5 s' where id = $1 returning next_at",
      [scheduleId],
    );
    await world.a.put(path, { ...saved, description: "other" }).expect(200);
    const { rows } = await world.admin.pool.query("select next_at from keelson.schedules where id = $1", [scheduleId]);
    expect(rows).toEqual(due.rows);
  });
});
