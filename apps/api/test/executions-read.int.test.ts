import { randomUUID } from "node:crypto";
import { conditionStep, delayStep, eventually, httpStep, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
const start = async (client: Client, name: string, body: object = {}): Promise<string> =>
  (await client.post(`/v1/workflows/${name}/executions`, body).expect(202)).body.id;
const ended = async (client: Client, name: string, body: object = {}) =>
  (await client.post(`/v1/workflows/${name}/executions?wait=30`, body).expect(200)).body;
const ids = (body: { items: { id: string }[] }) => body.items.map((item) => item.id);

beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

describe("GET /v1/executions/:id", () => {
  it("is 404 for what is not there, and for another tenant's", async () => {
    const id = await start(a, await a.save(documentOf()));
    await a.get(`/v1/executions/${id}`).expect(200);
    for (const foreign of [id, randomUUID()]) {
      expect((await world.b.get(`/v1/executions/${foreign}`).expect(404)).body.code).toBe("NOT_FOUND");
    }
  });

  it("keeps the version's steps and the name of the time, whatever becomes of the workflow", async () => {
    const saved = documentOf();
    const { id } = (await a.post("/v1/workflows", saved).expect(201)).body;
    const execution = await ended(a, id);
    await a.put(`/v1/workflows/${id}`, documentOf({}, [transformStep("other", 1)])).expect(200);
    const { body } = await a.get(`/v1/executions/${execution.id}`).expect(200);
    expect(body).toMatchObject({ workflow: saved.name, workflowId: id, version: 1, steps: [{ id: "one" }] });
  });

  it("shows what failed, with the step it failed in and the answer it got", async () => {
    const target = await testTarget({ status: 418, body: "teapot" });
    const name = await a.save(
      documentOf({}, [httpStep("call", target.url), transformStep("after", 1, { dependsOn: ["call"] })]),
    );
    const body = await ended(a, name);
    const error = { code: "HTTP_STATUS", details: { status: 418 } };
    expect(body).toMatchObject({
      status: "failed",
      output: null,
      error: { ...error, step: "call" },
      steps: [
        { id: "call", status: "failed", attempts: 1, error },
        { id: "after", status: "cancelled", attempts: 0 },
      ],
    });
  });

  it("shows when a step is tried again, and its children", async () => {
    const target = await testTarget({ status: 503 });
    const retry = { maxAttempts: 2, initialDelay: "1h", maxDelay: "1h", jitter: false };
    const inner = await a.save(documentOf({}, [delayStep("nap", "1h")]));
    const name = await a.save(
      documentOf({}, [
        httpStep("call", target.url, { retry }),
        { id: "child", type: "subworkflow", config: { workflow: inner } },
      ]),
    );
    const id = await start(a, name);
    await eventually(async () =>
      expect((await a.get(`/v1/executions/${id}`)).body.steps).toMatchObject([
        {
          id: "call",
          status: "waiting",
          attempts: 1,
          nextAttemptAt: expect.any(String),
          error: { code: "HTTP_STATUS" },
        },
        { id: "child", status: "waiting", childExecutionId: expect.any(String) },
      ]),
    );
    const { steps } = (await a.get(`/v1/executions/${id}`).expect(200)).body;
    const child = (await a.get(`/v1/executions/${steps[1].childExecutionId}`).expect(200)).body;
    expect(child).toMatchObject({
      workflow: inner,
      trigger: { type: "subworkflow", id: "child" },
      parent: { executionId: id, stepId: "child" },
    });
    const listed = (await a.get("/v1/executions?retrying=true").expect(200)).body;
    expect(listed.items).toMatchObject([
      {
        id,
        progress: { waiting: 2 },
        current: ["call", "child"],
        retrying: { stepId: "call", attempt: 1, nextAttemptAt: expect.any(String), errorCode: "HTTP_STATUS" },
      },
    ]);
    expect(ids((await a.get(`/v1/executions?parent=${id}`).expect(200)).body)).toEqual([child.id]);
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    expect((await a.get(`/v1/executions/${child.id}?wait=30`).expect(200)).body.status).toBe("cancelled");
  });
});

describe("GET /v1/executions", () => {
  let tenant: Client;
  let one: string;
  let two: string;
  const made: Record<string, string> = {};
  const list = async (query: string) => (await tenant.get(`/v1/executions?${query}`).expect(200)).body;

  beforeAll(async () => {
    tenant = await world.tenant();
    one = await tenant.save(
      documentOf({ labels: { order: "{{ input.n }}", kind: "{{ input.kind }}" } }, [
        conditionStep("is", "input.n / input.n > 0"),
      ]),
    );
    two = await tenant.save(documentOf({}, [delayStep("nap", "1h")]));
    made["first"] = (await ended(tenant, one, { input: { n: 1, kind: "a,b:c" } })).id;
    made["second"] = (await ended(tenant, one, { input: { n: 2, kind: "x" } })).id;
    made["failed"] = (await ended(tenant, one, { input: { n: 0, kind: "x" } })).id;
    made["waiting"] = await start(tenant, two);
    await eventually(async () => {
      if ((await tenant.get("/v1/executions?status=waiting")).body.items.length === 0) throw new Error("not yet");
    });
  });

  it("lists all newest first, without input, output and steps", async () => {
    const body = await list("");
    expect(ids(body)).toEqual([made["waiting"], made["failed"], made["second"], made["first"]]);
    expect(body.items[3]).toEqual({
      id: made["first"],
      workflow: one,
      workflowId: expect.any(String),
      version: 1,
      status: "succeeded",
      trigger: { type: "api" },
      error: null,
      labels: { order: "1", kind: "a,b:c" },
      createdAt: expect.any(String),
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      deadlineAt: null,
      lastSeq: expect.any(Number),
      durationMs: expect.any(Number),
      progress: { succeeded: 1 },
      current: [],
      retrying: null,
    });
    expect(body).not.toHaveProperty("total");
  });

  it.each([
    ["status=succeeded", ["second", "first"]],
    ["status=failed,waiting", ["waiting", "failed"]],
    ["status=cancelled", []],
    ["errorCode=EXPRESSION_FAILED", ["failed"]],
    ["errorCode=HTTP_STATUS,EXPRESSION_FAILED&failedStep=is", ["failed"]],
    ["failedStep=nap", []],
    ["trigger=api", ["waiting", "failed", "second", "first"]],
    ["trigger=webhook,schedule", []],
    ["version=1,2", ["waiting", "failed", "second", "first"]],
    ["version=2", []],
    ["label=order:1", ["first"]],
    ["label=kind:x", ["failed", "second"]],
    ["label=kind:x&label=order:2", ["second"]],
    ["label=kind:a%2Cb%3Ac", ["first"]],
    ["retrying=false&status=waiting", ["waiting"]],
    ["retrying=true", []],
    ["since=2020-01-01T00:00:00Z", ["waiting", "failed", "second", "first"]],
    ["until=2020-01-01T00:00:00%2B02:00", []],
    ["parent=0192aaaa-0000-7000-8000-000000000001", []],
    ["replayOf=0192aaaa-0000-7000-8000-000000000001", []],
  ])("%s", async (query, expected) => {
    expect(ids(await list(query))).toEqual(expected.map((name) => made[name]));
    expect((await list(`${query}&count=true&limit=1`)).total).toEqual({ value: expected.length, exact: true });
  });

  it("filters by workflow, by name or id, archived ones too, and by time of creation", async () => {
    expect(ids(await list(`workflow=${two}`))).toEqual([made["waiting"]]);
    const { workflowId, createdAt } = (await list(`workflow=${one}`)).items[1];
    expect(ids(await list(`workflow=${workflowId}&status=failed`))).toEqual([made["failed"]]);
    expect(ids(await list(`workflow=${workflowId},${two}`))).toHaveLength(4);
    expect(ids(await list("workflow=none"))).toEqual([]);
    expect((await list("workflow=none&count=true")).total).toEqual({ value: 0, exact: true });
    const later = new Date(Date.parse(createdAt) + 1).toISOString();
    expect(ids(await list(`workflow=${one}&until=${later}`))).toEqual([made["second"], made["first"]]);
    expect(ids(await list(`workflow=${one}&since=${later}`))).toEqual([made["failed"]]);
  });

  it("takes `since` for the first instant and `until` for the first one after, to the millisecond", async () => {
    const { createdAt } = (await list(`workflow=${one}`)).items[1];
    expect(ids(await list(`workflow=${one}&since=${createdAt}`))).toEqual([made["failed"], made["second"]]);
    expect(ids(await list(`workflow=${one}&until=${createdAt}`))).toEqual([made["first"]]);
  });

  it("walks by pages with the same filter", async () => {
    const first = await list("trigger=api&limit=3");
    const second = await list(`trigger=api&limit=3&cursor=${first.nextCursor}`);
    expect([...ids(first), ...ids(second)]).toEqual([made["waiting"], made["failed"], made["second"], made["first"]]);
    expect(second.nextCursor).toBeNull();
    await tenant.get(`/v1/executions?limit=3&cursor=${first.nextCursor}`).expect(400);
  });

  it.each([
    "status=done",
    "trigger=cron",
    "version=x",
    "workflow=Not%20A%20Name",
    "label=x",
    "label=:x",
    "label=a:%00",
    "since=yesterday",
    "since=2020-01-01",
    "count=1",
    "retrying=yes",
    "errorCode=NOPE",
    "parent=x",
    "status=",
  ])("refuses %s with 400", async (query) => {
    const answer = await tenant.get(`/v1/executions?${query}`).expect(400);
    expect(answer.body.errors[0].path).toBe(`?${query.split("=")[0]}`);
  });

  it("shows nothing of another tenant", async () => {
    const stranger = await world.tenant();
    expect((await stranger.get("/v1/executions?count=true").expect(200)).body).toEqual({
      items: [],
      nextCursor: null,
      total: { value: 0, exact: true },
    });
  });
});

describe("an execution that has not begun", () => {
  it("is listed with all its steps pending", async () => {
    const idle = await createWorld();
    try {
      const name = await idle.a.save(documentOf({}, [transformStep("one", 1), transformStep("two", 1)]));
      await start(idle.a, name);
      const { body } = await idle.a.get("/v1/executions").expect(200);
      expect(body.items).toMatchObject([{ status: "queued", progress: { pending: 2 }, current: [], durationMs: null }]);
    } finally {
      await idle.close();
    }
  });
});

describe("POST /v1/executions/:id/cancel", () => {
  it("aborts a hanging http attempt", async () => {
    const target = await testTarget("hang");
    const id = await start(a, await a.save(documentOf({}, [httpStep("call", target.url)])));
    await eventually(() => expect(target.requests).toHaveLength(1));
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    const { body } = await a.get(`/v1/executions/${id}?wait=30`).expect(200);
    expect(body).toMatchObject({ status: "cancelled", error: null, steps: [{ status: "cancelled", attempts: 1 }] });
  });

  it("writes down who did it", async () => {
    const id = await start(a, await a.save(documentOf({}, [delayStep("nap", "1h")])));
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    const { rows } = await world.admin.pool.query(
      "select actor_type, action from keelson.audit_log where target_id = $1",
      [id],
    );
    expect(rows).toEqual([{ actor_type: "apiKey", action: "execution.cancelled" }]);
  });
});
