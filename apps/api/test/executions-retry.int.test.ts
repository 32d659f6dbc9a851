import { randomUUID } from "node:crypto";
import { delayStep, httpStep, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, saveSteps, start, untilEnd, untilStep } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

const ONCE = { retry: { maxAttempts: 1 } };
let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

const retry = (id: string, body?: object) => a.post(`/v1/executions/${id}/retry`, body);
const child = (workflow: string, rest = {}) => ({ id: "child", type: "subworkflow", config: { workflow }, ...rest });

describe("POST /v1/executions/:id/retry", () => {
  it("goes on from what failed, and keeps what had succeeded", async () => {
    const target = await testTarget({ status: 500 });
    const before = await testTarget();
    const name = await saveSteps(a, [
      httpStep("before", before.url),
      httpStep("call", target.url, { dependsOn: ["before"], ...ONCE }),
      transformStep("after", "{{ steps.call.output.status }}", { dependsOn: ["call"] }),
    ]);
    const { id, status, lastSeq } = await run(a, name);
    expect(status).toBe("failed");
    target.answer({ status: 200 });
    const retried = await retry(id).expect(202);
    expect(retried.body).toMatchObject({ id, version: 1 });
    expect(retried.body.lastSeq).toBeGreaterThan(lastSeq);
    const ended = await untilEnd(a, id);
    expect(ended).toMatchObject({ status: "succeeded", error: null, output: { after: 200 } });
    expect(before.requests).toHaveLength(1);
    const keys = target.requests.map((request) => request.headers["idempotency-key"]);
    expect(keys).toEqual([`${id}.call`, `${id}.call.2`]);
    expect((await retry(id).expect(409)).body.code).toBe("NOTHING_TO_RETRY");
  });

  it("with `from` runs that step and all downstream of it anew", async () => {
    const good = await testTarget();
    const bad = await testTarget({ status: 500 });
    const name = await saveSteps(a, [
      httpStep("first", good.url),
      httpStep("second", good.url, { dependsOn: ["first"] }),
      httpStep("third", bad.url, { dependsOn: ["second"], ...ONCE }),
    ]);
    const { id } = await run(a, name);
    bad.answer({ status: 200 });
    await retry(id, { from: "second" }).expect(202);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
    const keys = good.requests.map((request) => request.headers["idempotency-key"]);
    expect(keys).toEqual([`${id}.first`, `${id}.second`, `${id}.second.2`]);
  });

  it("goes on with a cancelled one", async () => {
    const id = await start(
      a,
      await saveSteps(a, [delayStep("nap", "1h"), transformStep("then", 1, { dependsOn: ["nap"] })]),
    );
    await untilStep(a, id, "nap", "waiting");
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("cancelled");
    await retry(id).expect(202);
    await untilStep(a, id, "nap", "waiting");
    await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
  });

  it("retries a failed child itself, however deep, in one commit with its parents", async () => {
    const target = await testTarget({ status: 500 });
    const leaf = await saveSteps(a, [httpStep("call", target.url, ONCE)]);
    const middle = await saveSteps(a, [child(leaf)]);
    const name = await saveSteps(a, [child(middle)]);
    const { id, steps, status } = await run(a, name);
    expect(status).toBe("failed");
    target.answer({ status: 200 });
    await retry(id).expect(202);
    const ended = await untilEnd(a, id);
    expect(ended.status).toBe("succeeded");
    expect(ended.steps[0]?.childExecutionId).toBe(steps[0]?.childExecutionId);
    expect(target.requests).toHaveLength(2);
    const keys = new Set(target.requests.map((request) => request.headers["idempotency-key"]?.split(".")[0]));
    expect(keys.size).toBe(1);
  });

  it("takes a child over that has succeeded since", async () => {
    const target = await testTarget({ status: 500 });
    const inner = await saveSteps(a, [httpStep("call", target.url, ONCE)], { output: "done" });
    const { id, steps } = await run(a, await saveSteps(a, [child(inner)]));
    const childId = steps[0]?.childExecutionId ?? "";
    target.answer({ status: 200 });
    await retry(childId).expect(202);
    expect((await untilEnd(a, childId)).status).toBe("succeeded");
    await retry(id).expect(202);
    expect(await untilEnd(a, id)).toMatchObject({ status: "succeeded", output: { child: "done" } });
    expect(target.requests).toHaveLength(2);
  });

  it("starts a new child below `from`", async () => {
    const target = await testTarget({ status: 500 });
    const inner = await saveSteps(a, [httpStep("call", target.url, ONCE)]);
    const { id, steps } = await run(a, await saveSteps(a, [child(inner)]));
    target.answer({ status: 200 });
    await retry(id, { from: "child" }).expect(202);
    const ended = await untilEnd(a, id);
    expect(ended.status).toBe("succeeded");
    expect(ended.steps[0]?.childExecutionId).not.toBe(steps[0]?.childExecutionId);
  });

  it("is held while the workflow is paused", async () => {
    const target = await testTarget({ status: 500 });
    const name = await saveSteps(a, [httpStep("call", target.url, ONCE)]);
    const { id } = await run(a, name);
    target.answer({ status: 200 });
    await a.post(`/v1/workflows/${name}/pause`).expect(200);
    expect((await retry(id).expect(202)).body.status).toBe("queued");
    expect((await a.get(`/v1/executions/${id}?wait=1`).expect(200)).body.status).toBe("queued");
    await a.post(`/v1/workflows/${name}/resume`).expect(200);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
  });

  it("reopens once, of many at once", async () => {
    const target = await testTarget({ status: 500 });
    const { id } = await run(a, await saveSteps(a, [httpStep("call", target.url, ONCE)]));
    target.answer("hang");
    const answers = await Promise.all([1, 2, 3, 4].map(() => retry(id)));
    expect(answers.map((answer) => answer.status).toSorted((x, y) => x - y)).toEqual([202, 409, 409, 409]);
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    await untilEnd(a, id);
  });

  it("refuses one that runs, one that succeeded, an unknown step, and another tenant's", async () => {
    const id = await start(a, await saveSteps(a, [delayStep("nap", "1h")]));
    expect((await retry(id).expect(409)).body.code).toBe("EXECUTION_NOT_ENDED");
    const done = await run(a, await saveSteps(a, [transformStep("one", 1)]));
    expect((await retry(done.id).expect(409)).body.code).toBe("NOTHING_TO_RETRY");
    expect((await retry(done.id, { from: "one" }).expect(409)).body.code).toBe("NOTHING_TO_RETRY");
    const failed = await run(a, await saveSteps(a, [transformStep("one", "{{ 1 / 0 }}")]));
    const unknown = await retry(failed.id, { from: "two" }).expect(400);
    expect(unknown.body.errors).toMatchObject([{ path: "/from", code: "UNKNOWN_STEP" }]);
    await retry(failed.id, { form: "one" }).expect(400);
    for (const foreign of [failed.id, randomUUID()]) {
      expect((await world.b.post(`/v1/executions/${foreign}/retry`).expect(404)).body.code).toBe("NOT_FOUND");
    }
  });
});
