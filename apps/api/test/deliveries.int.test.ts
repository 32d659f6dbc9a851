import { randomUUID } from "node:crypto";
import type { JsonObject } from "@keelson/contracts";
import { deliveryAccept, deliveryReject } from "@keelson/db";
import { newId } from "@keelson/service-kit";
import { transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { untilEnd } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const REASON = { code: "SIGNATURE_INVALID", text: "The signature is wrong.", hint: "Look at the secret." };
let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

const hook = { id: "orders", type: "webhook", signature: { scheme: "none" } };

async function hooked(client: Client, rest: JsonObject = {}) {
  const saved = documentOf({ triggers: [hook], ...rest }, [transformStep("one", "{{ input }}")]);
  const { body } = await client.post("/v1/workflows", saved).expect(201);
  const { rows } = await world.admin.pool.query("select id from keelson.workflow_versions where workflow_id = $1", [
    body.id,
  ]);
  return { saved, id: body.id, name: body.name, hookId: body.triggers[0].hookId, versionId: rows[0].id };
}
type Hooked = Awaited<ReturnType<typeof hooked>>;

/** What the ingress writes down of a request. */
async function arrive(
  client: Client,
  to: Hooked,
  request: { body: string | Buffer; contentType?: string; rejected?: boolean },
) {
  const delivery = {
    id: newId(),
    hookId: to.hookId,
    workflowId: to.id,
    repeatKey: null,
    headers: { "content-type": "application/json", authorization: "***", "x-own": "1" },
    query: { q: "1" },
    contentType: request.contentType ?? "application/json",
  };
  const body = Buffer.from(request.body);
  if (request.rejected === true) {
    await deliveryReject(world.admin, { tenantId: client.tenantId, delivery, body, reason: REASON });
    return delivery.id;
  }
  const start = {
    executionId: newId(),
    versionId: to.versionId,
    triggerType: "webhook" as const,
    trigger: { type: "webhook" },
    input: null,
  };
  await deliveryAccept(world.admin, { tenantId: client.tenantId, delivery, body, start, maxUnfinished: null });
  return delivery.id;
}

describe("GET /v1/deliveries", () => {
  it("shows what arrived and what became of it; lists leave out headers and body", async () => {
    const to = await hooked(a);
    const accepted = await arrive(a, to, { body: '{"n":1}' });
    const rejected = await arrive(a, to, { body: Buffer.from([0xff, 0x00]), rejected: true });
    const { body } = await a.get(`/v1/deliveries?workflow=${to.name}`).expect(200);
    const common = {
      hookId: to.hookId,
      workflow: to.name,
      receivedAt: expect.stringMatching(TIME),
      redeliveryOf: null,
    };
    expect(body).toEqual({
      items: [
        { id: rejected, ...common, status: "rejected", reason: REASON, executionId: null },
        { id: accepted, ...common, status: "accepted", reason: null, executionId: expect.any(String) },
      ],
      nextCursor: null,
    });
    const one = await a.get(`/v1/deliveries/${accepted}`).expect(200);
    const headers = { "content-type": "application/json", authorization: "***", "x-own": "1" };
    expect(one.body).toEqual({ ...body.items[1], headers, body: '{"n":1}', bodyEncoding: "utf8" });
    const two = await a.get(`/v1/deliveries/${rejected}`).expect(200);
    expect(two.body).toMatchObject({ body: "/wA=", bodyEncoding: "base64" });
  });

  it("filters by workflow, hook, status, reason and time", async () => {
    const tenant = await world.tenant();
    const one = await hooked(tenant);
    const two = await hooked(tenant);
    const first = await arrive(tenant, one, { body: "1" });
    const second = await arrive(tenant, two, { body: "2" });
    const third = await arrive(tenant, two, { body: "3", rejected: true });
    const list = async (query: string) =>
      (await tenant.get(`/v1/deliveries?${query}`).expect(200)).body.items.map((item: { id: string }) => item.id);
    expect(await list("")).toEqual([third, second, first]);
    expect(await list(`workflow=${one.name}`)).toEqual([first]);
    expect(await list(`workflow=${two.id},${one.name}&status=accepted`)).toEqual([second, first]);
    expect(await list(`hookId=${two.hookId}`)).toEqual([third, second]);
    expect(await list("status=rejected,duplicate")).toEqual([third]);
    expect(await list("reason=SIGNATURE_INVALID")).toEqual([third]);
    expect(await list("reason=OTHER")).toEqual([]);
    expect(await list("since=2020-01-01T00:00:00Z")).toHaveLength(3);
    expect(await list("until=2020-01-01T00:00:00Z")).toEqual([]);
    for (const query of ["status=x", "hookId=x", "reason=x", "since=x", "workflow=X"]) {
      const answer = await tenant.get(`/v1/deliveries?${query}`);
      expect(answer.status).toBe(400);
    }
  });

  it("shows nothing of another tenant", async () => {
    const id = await arrive(a, await hooked(a), { body: "1" });
    for (const foreign of [id, randomUUID()]) await world.b.get(`/v1/deliveries/${foreign}`).expect(404);
    expect((await world.b.get("/v1/deliveries").expect(200)).body.items).toEqual([]);
  });
});

describe("POST /v1/deliveries/:id/redeliver", () => {
  const redeliver = (id: string) => a.post(`/v1/deliveries/${id}/redeliver`);

  it("starts the latest version from the stored bytes, whatever became of them the first time", async () => {
    const to = await hooked(a);
    const id = await arrive(a, to, { body: '{"n":1}', rejected: true });
    await a.put(`/v1/workflows/${to.name}`, { ...to.saved, description: "two" }).expect(200);
    const ids = new Set<string>();
    for (let n = 0; n < 2; n++) {
      const { body } = await redeliver(id).expect(202);
      expect(body).toMatchObject({ status: "accepted", redeliveryOf: id, hookId: to.hookId, body: '{"n":1}' });
      const execution = await untilEnd(a, body.executionId);
      expect(execution).toMatchObject({
        version: 2,
        trigger: { type: "webhook", id: "orders", deliveryId: body.id },
        output: { one: { n: 1 } },
      });
      ids.add(execution.id);
    }
    expect(ids.size).toBe(2);
  });

  it("parses them as their type says", async () => {
    const to = await hooked(a);
    const outputs = [];
    for (const [body, contentType] of [
      ["a=1&a=2&b=x", "application/x-www-form-urlencoded"],
      ["plain", "text/plain"],
      ["", "application/json"],
    ] as const) {
      const answer = await redeliver(await arrive(a, to, { body, contentType, rejected: true })).expect(202);
      outputs.push((await untilEnd(a, answer.body.executionId)).output);
    }
    expect(outputs).toEqual([{ one: { a: ["1", "2"], b: "x" } }, { one: "plain" }, { one: null }]);
  });

  it("is refused where the body does not parse or fit, the trigger has gone, or the workflow is archived", async () => {
    const to = await hooked(a);
    const malformed = await arrive(a, to, { body: "{", rejected: true });
    expect((await redeliver(malformed).expect(400)).body.code).toBe("MALFORMED_BODY");
    const id = await arrive(a, to, { body: '{"n":"x"}' });
    const inputSchema = { properties: { n: { type: "number" } } };
    await a.put(`/v1/workflows/${to.name}`, { ...to.saved, inputSchema }).expect(200);
    expect((await redeliver(id).expect(422)).body).toMatchObject({ code: "INPUT_INVALID", errors: [{ path: "/n" }] });
    await a.put(`/v1/workflows/${to.name}`, { ...to.saved, triggers: [] }).expect(200);
    expect((await redeliver(id).expect(409)).body.code).toBe("TRIGGER_GONE");
    await a.delete(`/v1/workflows/${to.name}`).expect(204);
    expect((await redeliver(id).expect(409)).body.code).toBe("WORKFLOW_ARCHIVED");
    await world.b.post(`/v1/deliveries/${id}/redeliver`).expect(404);
  });
});
