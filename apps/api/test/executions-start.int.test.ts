import { randomUUID } from "node:crypto";
import { conditionStep, delayStep, transformStep, workflowOf } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type World, createWorld } from "./support/world.ts";

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("POST /v1/workflows/:ref/executions, while nothing runs it", () => {
  it("answers 202 with the execution, every step of the version pending", async () => {
    const name = await world.a.save(
      workflowOf([transformStep("one", 1), conditionStep("two", "true", { dependsOn: ["one"] })], {
        labels: { orderId: "{{ input.orderId }}" },
      }),
    );
    const answer = await world.a.post(`/v1/workflows/${name}/executions`, { input: { orderId: 42 } }).expect(202);
    const step = { attempts: 0, input: null, output: null, error: null, startedAt: null, finishedAt: null };
    expect(answer.body).toEqual({
      id: expect.stringMatching(ID),
      workflow: name,
      workflowId: expect.stringMatching(ID),
      version: 1,
      status: "queued",
      trigger: { type: "api" },
      input: { orderId: 42 },
      output: null,
      error: null,
      labels: {},
      createdAt: expect.stringMatching(TIME),
      startedAt: null,
      finishedAt: null,
      deadlineAt: null,
      lastSeq: 1,
      steps: [
        { id: "one", type: "transform", status: "pending", ...step },
        { id: "two", type: "condition", status: "pending", ...step },
      ],
    });
    expect(answer.headers["location"]).toBe(`/v1/executions/${answer.body.id}`);
    const read = await world.a.get(`/v1/executions/${answer.body.id}`).expect(200);
    expect(read.body).toEqual(answer.body);
  });

  it("takes an empty body, and an input left out, as null", async () => {
    const name = await world.a.save(workflowOf([transformStep("one", 1)]));
    expect((await world.a.post(`/v1/workflows/${name}/executions`).expect(202)).body.input).toBeNull();
    expect((await world.a.post(`/v1/workflows/${name}/executions`, {}).expect(202)).body.input).toBeNull();
  });

  it("takes an input of 1 MiB, in a body that has 1 KiB more at the most", async () => {
    const path = `/v1/workflows/${await world.a.save(workflowOf([transformStep("one", 1)]))}/executions`;
    await world.a.post(path, { input: "x".repeat(1_048_576 - 2) }).expect(202);
    const bodyOf = (bytes: number) => ({ input: "x".repeat(bytes - JSON.stringify({ input: "" }).length) });
    await world.a.post(path, bodyOf(1_049_600)).expect(202);
    expect((await world.a.post(path, bodyOf(1_049_601)).expect(413)).body.code).toBe("PAYLOAD_TOO_LARGE");
  });

  it("starts by id, and in a version of one's choice", async () => {
    const document = workflowOf([transformStep("one", 1)]);
    const saved = await world.a.post("/v1/workflows", document).expect(201);
    await world.a.put(`/v1/workflows/${saved.body.id}`, { ...document, description: "two" }).expect(200);
    const path = `/v1/workflows/${saved.body.id}/executions`;
    expect((await world.a.post(path, {}).expect(202)).body.version).toBe(2);
    expect((await world.a.post(path, { version: 1 }).expect(202)).body.version).toBe(1);
    expect((await world.a.post(path, { version: 3 }).expect(404)).body.code).toBe("NOT_FOUND");
  });

  it("refuses an input that does not fit with 422 and every place, and uses up no key by it", async () => {
    const name = await world.a.save(
      workflowOf([transformStep("one", 1)], {
        inputSchema: { type: "object", required: ["id"], properties: { n: { type: "number" } } },
      }),
    );
    const path = `/v1/workflows/${name}/executions`;
    const refused = await world.a
      .post(path, { input: { n: "x" } })
      .set("idempotency-key", "k")
      .expect(422);
    expect(refused.body.code).toBe("INPUT_INVALID");
    expect(refused.body.errors.map((error: { path: string }) => error.path).sort()).toEqual(["/input/id", "/input/n"]);
    await world.a
      .post(path, { input: { id: 1 } })
      .set("idempotency-key", "k")
      .expect(202);
  });

  it.each([
    [{ inputs: 1 }, "UNRECOGNIZED_KEYS"],
    [{ version: 0 }, "TOO_SMALL"],
    [{ version: "1" }, "INVALID_TYPE"],
    [[], "INVALID_TYPE"],
  ])("refuses the body %j with 400", async (body, code) => {
    const name = await world.a.save(workflowOf([transformStep("one", 1)]));
    const answer = await world.a.post(`/v1/workflows/${name}/executions`, body).expect(400);
    expect(answer.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ code }] });
  });

  it("knows neither workflows of another tenant nor those that are not there", async () => {
    const saved = await world.a.post("/v1/workflows", workflowOf([transformStep("one", 1)])).expect(201);
    for (const ref of [saved.body.id, saved.body.name, randomUUID(), "no-such", "NOT%20A%20NAME"]) {
      const answer = await world.b.post(`/v1/workflows/${ref}/executions`, {});
      expect(answer.body.code).toBe("NOT_FOUND");
    }
  });

  it("refuses an archived workflow with 409, but returns what its key had started", async () => {
    const saved = await world.a.post("/v1/workflows", workflowOf([transformStep("one", 1)])).expect(201);
    const path = `/v1/workflows/${saved.body.id}/executions`;
    const first = await world.a.post(path, {}).set("idempotency-key", "k").expect(202);
    await world.a.delete(`/v1/workflows/${saved.body.id}`).expect(204);
    expect((await world.a.post(path, {}).expect(409)).body.code).toBe("WORKFLOW_ARCHIVED");
    const repeat = await world.a.post(path, {}).set("idempotency-key", "k").expect(202);
    expect(repeat.body.id).toBe(first.body.id);
  });

  it("refuses more than the tenant may have unfinished with 429, and counts none twice", async () => {
    const tenant = await world.tenant();
    await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { unfinishedExecutions: 2 } }).expect(200);
    const path = `/v1/workflows/${await tenant.save(workflowOf([transformStep("one", 1)]))}/executions`;
    const first = await tenant.post(path, {}).set("idempotency-key", "k").expect(202);
    await tenant.post(path, {}).expect(202);
    const full = await tenant.post(path, {}).expect(429);
    expect(full.body.code).toBe("TOO_MANY_UNFINISHED");
    expect(Number(full.headers["retry-after"])).toBeGreaterThan(0);
    expect((await tenant.post(path, {}).set("idempotency-key", "k").expect(202)).body.id).toBe(first.body.id);
  });
});

describe("Idempotency-Key", () => {
  it("makes one execution of a hundred requests at once (I6)", async () => {
    const name = await world.a.save(workflowOf([transformStep("one", 1)]));
    const path = `/v1/workflows/${name}/executions`;
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => world.a.post(path, { input: 1 }).set("idempotency-key", "same")),
    );
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    const list = await world.a.get(`/v1/executions?workflow=${name}&count=true`).expect(200);
    expect(list.body.total).toEqual({ value: 1, exact: true });
  });

  it("belongs to one workflow, and to the body, however its JSON is written", async () => {
    const one = await world.a.save(workflowOf([transformStep("one", 1)]));
    const two = await world.a.save(workflowOf([transformStep("one", 1)]));
    const start = (name: string, body: object) =>
      world.a.post(`/v1/workflows/${name}/executions`, body).set("idempotency-key", "k");
    const first = await start(one, { input: { a: 1, b: [2] } }).expect(202);
    expect((await start(one, { input: { b: [2], a: 1 } }).expect(202)).body.id).toBe(first.body.id);
    expect((await start(one, { input: { a: 2, b: [2] } }).expect(422)).body.code).toBe("IDEMPOTENCY_MISMATCH");
    expect((await start(one, { input: { a: 1, b: [2] }, version: 1 }).expect(422)).body.code).toBe(
      "IDEMPOTENCY_MISMATCH",
    );
    expect((await start(two, { input: { a: 2 } }).expect(202)).body.id).not.toBe(first.body.id);
  });

  it("returns the first execution though the latest version would refuse its input by now", async () => {
    const document = workflowOf([transformStep("one", 1)]);
    const name = await world.a.save(document);
    const start = (input: number) =>
      world.a.post(`/v1/workflows/${name}/executions`, { input }).set("idempotency-key", "k");
    const first = await start(1).expect(202);
    await world.a.save({ ...document, inputSchema: { type: "string" } });
    expect((await start(1).expect(202)).body.id).toBe(first.body.id);
    expect((await start(2).expect(422)).body.code).toBe("IDEMPOTENCY_MISMATCH");
  });

  it("has 1 to 255 characters, and is refused with 400 when it has more", async () => {
    const name = await world.a.save(workflowOf([transformStep("one", 1)]));
    for (const key of ["x", "x".repeat(255)]) {
      await world.a.post(`/v1/workflows/${name}/executions`, {}).set("idempotency-key", key).expect(202);
    }
    const answer = await world.a.post(`/v1/workflows/${name}/executions`, {}).set("idempotency-key", "x".repeat(256));
    expect(answer.status).toBe(400);
    expect(answer.body.errors[0].path).toBe("header:Idempotency-Key");
  });
});

describe("with a worker", () => {
  let stopped: World;
  beforeAll(async () => {
    stopped = await createWorld();
    await stopped.work();
  });
  afterAll(() => stopped.close());

  it("?wait answers 200 with the ended execution", async () => {
    const name = await stopped.a.save(
      workflowOf(
        [
          transformStep("one", "{{ input.n + 1 }}"),
          conditionStep("two", "steps.one.output > 100", { dependsOn: ["one"] }),
          transformStep("many", "many", { dependsOn: ["two:true"] }),
          transformStep("few", "few", { dependsOn: ["two:false"] }),
        ],
        { labels: { n: "{{ input.n }}" } },
      ),
    );
    const answer = await stopped.a.post(`/v1/workflows/${name}/executions?wait=20`, { input: { n: 1 } }).expect(200);
    expect(answer.body).toMatchObject({
      status: "succeeded",
      output: { few: "few" },
      labels: { n: "1" },
      startedAt: expect.stringMatching(TIME),
      finishedAt: expect.stringMatching(TIME),
      steps: [
        { id: "one", status: "succeeded", attempts: 1, output: 2, startedAt: expect.stringMatching(TIME) },
        { id: "two", status: "succeeded", output: { branch: "false" } },
        { id: "many", status: "skipped", attempts: 0, output: null },
        { id: "few", status: "succeeded", output: "few", finishedAt: expect.stringMatching(TIME) },
      ],
    });
    const listed = await stopped.a.get("/v1/executions?label=n:1").expect(200);
    expect(listed.body.items).toHaveLength(1);
    expect(listed.body.items[0]).toMatchObject({
      id: answer.body.id,
      durationMs: expect.any(Number),
      progress: { succeeded: 3, skipped: 1 },
      current: [],
      retrying: null,
    });
  });

  it("?wait answers 202 with where it stands when the time is over, and GET takes it as well", async () => {
    const name = await stopped.a.save(workflowOf([delayStep("nap", "1h")]));
    const started = await stopped.a.post(`/v1/workflows/${name}/executions?wait=0.3`, {}).expect(202);
    expect(["queued", "running", "waiting"]).toContain(started.body.status);
    const read = await stopped.a.get(`/v1/executions/${started.body.id}?wait=0.2`).expect(200);
    expect(read.body.finishedAt).toBeNull();
    await stopped.a.get(`/v1/executions/${started.body.id}?wait=-1`).expect(400);
    await stopped.a.get(`/v1/executions/${started.body.id}?wait=x`).expect(400);
  });

  it("a cancel ends one that waits, and whoever waits for its end is told", async () => {
    const name = await stopped.a.save(
      workflowOf([delayStep("nap", "1h"), transformStep("then", 1, { dependsOn: ["nap"] })]),
    );
    const { id } = (await stopped.a.post(`/v1/workflows/${name}/executions?wait=0.3`, {}).expect(202)).body;
    const waiting = stopped.a.get(`/v1/executions/${id}?wait=20`).expect(200);
    const [ended, cancelled] = await Promise.all([waiting, stopped.a.post(`/v1/executions/${id}/cancel`).expect(202)]);
    expect(cancelled.body.id).toBe(id);
    expect(ended.body).toMatchObject({
      status: "cancelled",
      steps: [{ status: "cancelled" }, { status: "cancelled" }],
    });
    expect((await stopped.a.post(`/v1/executions/${id}/cancel`).expect(409)).body.code).toBe("EXECUTION_ENDED");
    await stopped.b.post(`/v1/executions/${id}/cancel`).expect(404);
  });

  it("a stopping service answers those who wait at once", async () => {
    const name = await stopped.a.save(workflowOf([delayStep("nap", "1h")]));
    const waiting = stopped.a.post(`/v1/workflows/${name}/executions?wait=60`, {}).expect(202);
    setTimeout(() => stopped.stopping.abort(), 200);
    expect((await waiting).body.status).not.toBe("cancelled");
  });
});
