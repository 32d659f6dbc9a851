import { randomUUID } from "node:crypto";
import { conditionStep, delayStep, httpStep, secretValue, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, saveSteps, start, untilEnd, untilStep } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

describe("GET /v1/executions/:id/steps/:stepId", () => {
  it("shows every attempt with its request and its answer, failed ones too, without secrets", async () => {
    const token = secretValue();
    await a.put("/v1/secrets/TOKEN", { value: token }).expect(204);
    const target = await testTarget();
    target.answer([
      { status: 503, headers: { "x-trace": "t1" }, body: "busy" },
      { status: 200, body: { ok: true } },
    ]);
    const config = {
      method: "POST",
      url: target.url,
      headers: { authorization: "Bearer {{ secrets.TOKEN }}" },
      body: { n: 1 },
    };
    const retry = { maxAttempts: 3, initialDelay: "10ms", jitter: false };
    const { id } = await run(a, await saveSteps(a, [{ id: "call", type: "http", retry, config }]));
    const { body, text } = await a.get(`/v1/executions/${id}/steps/call`).expect(200);
    expect(body).toMatchObject({ id: "call", type: "http", status: "succeeded", output: { status: 200 } });
    const common = { run: 1, startedAt: expect.stringMatching(TIME), sentAt: expect.stringMatching(TIME) };
    expect(body.attempts).toMatchObject([
      {
        ...common,
        n: 1,
        outcome: "failed",
        error: { code: "HTTP_STATUS" },
        finishedAt: expect.stringMatching(TIME),
        nextAttemptAt: expect.stringMatching(TIME),
        idempotencyKey: `${id}.call`,
        request: { method: "POST", url: expect.stringContaining(target.url) },
        response: { status: 503, body: "busy", truncated: false },
      },
      { ...common, n: 2, outcome: "succeeded", error: null, nextAttemptAt: null, idempotencyKey: `${id}.call` },
    ]);
    expect(text).not.toContain(token);
    expect(target.requests[0]?.headers["authorization"]).toBe(`Bearer ${token}`);
  });

  it("shows the attempt that runs, and those of an earlier run", async () => {
    const target = await testTarget({ status: 500 });
    const name = await saveSteps(a, [httpStep("call", target.url, { retry: { maxAttempts: 1 } })]);
    const { id } = await run(a, name);
    target.answer("hang");
    await a.post(`/v1/executions/${id}/retry`).expect(202);
    await untilStep(a, id, "call", "running");
    await expect
      .poll(async () => (await a.get(`/v1/executions/${id}/steps/call`)).body.attempts, { timeout: 10_000 })
      .toMatchObject([
        { n: 1, run: 1, outcome: "failed" },
        { n: 1, run: 2, outcome: null, finishedAt: null },
      ]);
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    await untilEnd(a, id);
  });

  it("shows a step that never ran, and is 404 for one that is not there, or another tenant's", async () => {
    const name = await saveSteps(a, [
      conditionStep("is", "false"),
      transformStep("yes", 1, { dependsOn: ["is:true"] }),
    ]);
    const { id } = await run(a, name);
    const { body } = await a.get(`/v1/executions/${id}/steps/yes`).expect(200);
    expect(body).toMatchObject({ id: "yes", status: "skipped", attempts: [] });
    await a.get(`/v1/executions/${id}/steps/none`).expect(404);
    await a.get(`/v1/executions/${id}/steps/not-an-id`).expect(404);
    await a.get(`/v1/executions/${randomUUID()}/steps/yes`).expect(404);
    await world.b.get(`/v1/executions/${id}/steps/yes`).expect(404);
  });
});

describe("POST /v1/executions/:id/steps/:stepId/wake", () => {
  it("ends a delay, and a backoff, at once", async () => {
    const target = await testTarget();
    target.answer([{ status: 503 }, { status: 200 }]);
    const retry = { maxAttempts: 2, initialDelay: "1h", maxDelay: "1h" };
    const id = await start(a, await saveSteps(a, [delayStep("nap", "1h"), httpStep("call", target.url, { retry })]));
    await untilStep(a, id, "nap", "waiting");
    await untilStep(a, id, "call", "waiting");
    for (const step of ["nap", "call"]) {
      const answer = await a.post(`/v1/executions/${id}/steps/${step}/wake`).expect(202);
      expect(answer.body.id).toBe(id);
    }
    expect(await untilEnd(a, id)).toMatchObject({ status: "succeeded", steps: [{}, { attempts: 2 }] });
    expect((await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(409)).body.code).toBe("EXECUTION_ENDED");
  });

  it("refuses a step that does not wait, is not there, or another tenant's", async () => {
    const name = await saveSteps(a, [delayStep("nap", "1h"), transformStep("then", 1, { dependsOn: ["nap"] })]);
    const id = await start(a, name);
    await untilStep(a, id, "nap", "waiting");
    expect((await a.post(`/v1/executions/${id}/steps/then/wake`).expect(409)).body.code).toBe("STEP_NOT_WAITING");
    await a.post(`/v1/executions/${id}/steps/none/wake`).expect(404);
    await world.b.post(`/v1/executions/${id}/steps/nap/wake`).expect(404);
  });
});

describe("GET /v1/executions/:id/explain", () => {
  it("says of each step why it ran, was skipped, waits or is retried, with what decided it", async () => {
    const target = await testTarget({ status: 503 });
    const retry = { maxAttempts: 5, initialDelay: "1h", maxDelay: "1h" };
    const name = await saveSteps(a, [
      conditionStep("big", "input.n > 100"),
      transformStep("yes", 1, { dependsOn: ["big:true"] }),
      httpStep("call", target.url, { dependsOn: ["big:false"], retry }),
      delayStep("nap", "1h"),
      transformStep("last", 1, { dependsOn: ["call", "nap"] }),
    ]);
    const id = await start(a, name, { input: { n: 1 } });
    await untilStep(a, id, "call", "waiting");
    await untilStep(a, id, "nap", "waiting");
    const { body } = await a.get(`/v1/executions/${id}/explain`).expect(200);
    expect(body).toMatchObject({
      executionId: id,
      steps: [
        { id: "big", status: "succeeded", reason: { code: "ROOT", values: { branch: "false" } } },
        {
          id: "yes",
          status: "skipped",
          reason: { code: "ENTRY_DEAD", values: { entries: [{ step: "big", branch: "true", state: "dead" }] } },
        },
        {
          id: "call",
          status: "waiting",
          reason: { code: "RETRY_SCHEDULED", values: { attempt: 1, maxAttempts: 5, error: "HTTP_STATUS" } },
        },
        { id: "nap", status: "waiting", reason: { code: "DELAYED" } },
        { id: "last", status: "pending", reason: { code: "WAITS_FOR_ENTRIES" } },
      ],
    });
    for (const { reason } of body.steps) {
      expect(reason.text).toMatch(/^[A-Z].*\.$/);
      expect(reason.text).not.toMatch(/unknown|undefined|null/);
    }
    await world.b.get(`/v1/executions/${id}/explain`).expect(404);
  });

  it("says so where nothing has begun yet", async () => {
    const name = await saveSteps(a, [transformStep("one", 1)]);
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    const id = await start(a, name);
    const { body } = await a.get(`/v1/executions/${id}/explain`).expect(200);
    expect(body.steps).toMatchObject([{ status: "pending", reason: { code: "HELD" } }]);
  });
});
