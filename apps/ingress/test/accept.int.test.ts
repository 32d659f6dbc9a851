// The way to a 202: what is committed, in how many statements, and who is told.

import type { WebhookTrigger } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";
import { standardHeaders, WHSEC } from "./support/sign.ts";
import type { TestTenant, TestWorkflow } from "./support/tenant.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { scheme: "standard", secrets: ["HOOK"] } };
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let world: World;
let ingress: RunningIngress;
let tenant: TestTenant;
let workflow: TestWorkflow;

beforeAll(async () => {
  world = await createWorld();
  ingress = await world.ingress();
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
  workflow = await tenant.workflow({ triggers: [ORDERS] });
});
afterAll(() => world.close());

const BODY = JSON.stringify({ orderId: "o-1", amount: 12.5 });

describe("a rightly signed webhook", () => {
  it("is an execution and a delivery in PostgreSQL by the time it is acknowledged", async () => {
    const signed = standardHeaders(BODY, { id: "msg_first" });
    const headers = { ...signed, authorization: "Bearer abc", cookie: "a=b" };
    const answer = await ingress.send({ path: `${workflow.path()}?a=1&b=2&b=3`, headers, body: BODY });
    expect(answer.status).toBe(202);
    expect(Object.keys(answer.json)).toEqual(["deliveryId", "executionId", "duplicate", "statusUrl"]);
    const { deliveryId, executionId, duplicate } = answer.json;
    expect(deliveryId).toMatch(UUID_V7);
    expect(executionId).toMatch(UUID_V7);
    expect(duplicate).toBe(false);
    const execution = (await tenant.executions()).find(({ id }) => id === executionId);
    expect(execution).toMatchObject({
      status: "queued",
      version: 1,
      trigger_type: "webhook",
      input: { orderId: "o-1", amount: 12.5 },
      held: false,
      trigger: {
        type: "webhook",
        id: "orders",
        deliveryId,
        query: { a: "1", b: ["2", "3"] },
        headers: { "webhook-id": "msg_first", "content-type": "application/json" },
        receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    });
    expect(Object.keys(execution?.trigger.headers ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/signature|authorization|cookie/)]),
    );
    const delivery = (await tenant.deliveries()).find(({ id }) => id === deliveryId);
    expect(delivery).toMatchObject({
      status: "accepted",
      reason: null,
      repeat_key: "msg_first",
      execution_id: executionId,
      content_type: "application/json",
      query: { a: "1", b: ["2", "3"] },
      headers: { authorization: "***", cookie: "***", "webhook-signature": signed["webhook-signature"] },
    });
    expect(Buffer.from(delivery!.body).toString()).toBe(BODY);
  });

  it("wakes a worker once, after the commit", async () => {
    const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    expect(ingress.woken.filter((id) => id === answer.json.executionId)).toHaveLength(1);
  });

  it("costs exactly one statement where the hook is remembered", async () => {
    await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    let connections = 0;
    const count = (): void => void connections++;
    ingress.db.pool.on("acquire", count);
    const query = vi.spyOn(ingress.db.pool, "query");
    try {
      const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
      expect(answer.status).toBe(202);
      expect(query.mock.calls.map(([statement]) => statement)).toEqual([
        expect.objectContaining({ name: "deliveries_accept" }),
      ]);
      expect(connections).toBe(1);
    } finally {
      query.mockRestore();
      ingress.db.pool.off("acquire", count);
    }
  });

  it("evaluates nothing of the tenant's: what would fail in a label or a step is left to the worker", async () => {
    const failing = await tenant.workflow({
      triggers: [ORDERS],
      labels: { order: "{{ input.missing.too.deep }}" },
      steps: [{ id: "a", type: "transform", config: { output: "{{ input.missing.too.deep }}" } }],
    });
    const answer = await ingress.send({ path: failing.path(), headers: standardHeaders(BODY), body: BODY });
    expect(answer.status).toBe(202);
    expect((await tenant.executions()).find(({ id }) => id === answer.json.executionId)).toMatchObject({
      status: "queued",
    });
  });

  it("is held, and nobody is woken, while the workflow is paused", async () => {
    const paused = await tenant.workflow({ triggers: [ORDERS] });
    await paused.pause();
    const answer = await ingress.send({ path: paused.path(), headers: standardHeaders(BODY), body: BODY });
    expect(answer.status).toBe(202);
    expect((await tenant.executions()).find(({ id }) => id === answer.json.executionId)).toMatchObject({
      held: true,
      status: "queued",
    });
    expect(ingress.woken).not.toContain(answer.json.executionId);
  });

  it("may name its hook in upper case", async () => {
    const path = `/hooks/${workflow.path().slice("/hooks/".length).toUpperCase()}`;
    expect((await ingress.send({ path, headers: standardHeaders(BODY), body: BODY })).status).toBe(202);
  });
});

describe("the body as input", () => {
  it.each([
    ["application/json", "[1,null]", [1, null]],
    ["application/cloudevents+json; charset=utf-8", `{"specversion":"1.0"}`, { specversion: "1.0" }],
    ["application/x-www-form-urlencoded", "a=1&a=2&b=x+y", { a: ["1", "2"], b: "x y" }],
    ["text/plain", "é", "é"],
    ["text/xml; charset=utf-8", "<a/>", "<a/>"],
    ["application/json", "", null],
    ["application/x-www-form-urlencoded", "", null],
    [undefined, "", null],
  ])("of type %s: %j", async (type, body, input) => {
    const headers = { ...standardHeaders(body), "content-type": type };
    const answer = await ingress.send({ path: workflow.path(), headers, body });
    expect(answer.status).toBe(202);
    expect((await tenant.executions()).find(({ id }) => id === answer.json.executionId)?.input).toEqual(input);
  });

  it("may have exactly 1 MiB", async () => {
    const body = JSON.stringify("x".repeat(1024 * 1024 - 2));
    expect((await ingress.send({ path: workflow.path(), headers: standardHeaders(body), body })).status).toBe(202);
  });
});

describe("the latest version", () => {
  it("starts from its save on, although the one before is remembered", async () => {
    const saved = await tenant.workflow({ triggers: [ORDERS] });
    await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY });
    await saved.save({ triggers: [ORDERS], description: "second" });
    const answer = await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY });
    expect((await tenant.executions()).find(({ id }) => id === answer.json.executionId)).toMatchObject({ version: 2 });
  });

  it("says from its save on how requests are signed, although the one before is remembered", async () => {
    const saved = await tenant.workflow({ triggers: [ORDERS] });
    await tenant.secret("SECOND", "another secret");
    await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY });
    await saved.save({ triggers: [{ ...ORDERS, signature: { scheme: "standard", secrets: ["SECOND"] } }] });
    const answer = await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY });
    expect(answer.status).toBe(401);
  });

  it("says from its save on which inputs fit, although the one before is remembered", async () => {
    const saved = await tenant.workflow({ triggers: [ORDERS], inputSchema: false });
    expect((await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY })).status).toBe(422);
    await saved.save({ triggers: [ORDERS] });
    expect((await ingress.send({ path: saved.path(), headers: standardHeaders(BODY), body: BODY })).status).toBe(202);
  });

  it("that leaves a hook out makes it unknown, and one that puts it back makes it the same hook with the same keys", async () => {
    const saved = await tenant.workflow({ triggers: [ORDERS] });
    const headers = standardHeaders(BODY, { id: "msg_back" });
    const first = await ingress.send({ path: saved.path(), headers, body: BODY });
    const path = saved.path();
    await saved.save({});
    const fresh = standardHeaders(BODY);
    expect((await ingress.send({ path, headers: fresh, body: BODY })).status).toBe(404);
    await saved.save({ triggers: [ORDERS], description: "third" });
    expect(saved.path()).toBe(path);
    expect((await ingress.send({ path, headers: fresh, body: BODY })).status).toBe(202);
    const again = await ingress.send({ path, headers, body: BODY });
    expect(again.json).toMatchObject({ duplicate: true, executionId: first.json.executionId });
  });
});
