// Every call of the document, sent to a real api with a worker beside it: each success that it declares, and each refusal
// that is its own. An operation that is added to the document and not sent here fails the last test.

import { deliveryAccept } from "@keelson/db";
import { newId } from "@keelson/service-kit";
import { delayStep, secretValue, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../src/routes/all.ts";
import { OPERATIONS, SEEN, objectAt } from "./support/documented.ts";
import { documentOf } from "./support/documents.ts";
import { run, start, untilEnd, untilStep } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
let operator: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a, operator } = world);
  await world.work();
});
afterAll(() => world.close());

const failing = transformStep("one", "{{ input.missing.deeper }}");

describe("every call of the document answers as it says:", () => {
  it("tenants and keys", async () => {
    const slug = `t-${newId().slice(-12)}`;
    const { body } = await operator.post("/v1/tenants", { slug, name: "T" }).expect(201);
    await operator.post("/v1/tenants", { slug, name: "T" }).expect(409);
    const { id } = body.tenant;
    await operator.get("/v1/tenants?limit=2").expect(200);
    await operator.get(`/v1/tenants/${id}`).expect(200);
    await operator.patch(`/v1/tenants/${id}`, { limits: { apiPerMinute: 10 } }).expect(200);
    await operator.post(`/v1/tenants/${id}/api-keys`, { name: "again" }).expect(201);
    await operator.delete(`/v1/tenants/${id}`).expect(204);
    const { body: key } = await a.post("/v1/api-keys", { name: "k", scopes: ["read"] }).expect(201);
    await a.get("/v1/api-keys").expect(200);
    await a.delete(`/v1/api-keys/${key.id}`).expect(204);
    await a.get("/v1/me").expect(200);
    await operator.get("/v1/me").expect(200);
    await a.get("/v1/audit").expect(200);
    expect(key.scopes).toEqual(["read"]);
  });

  it("secrets", async () => {
    await a.put("/v1/secrets/PAY_TOKEN", { value: secretValue() }).expect(204);
    const { body } = await a.get("/v1/secrets").expect(200);
    expect(body.items).toMatchObject([{ name: "PAY_TOKEN" }]);
    await a.delete("/v1/secrets/PAY_TOKEN").expect(204);
  });

  it("workflows", async () => {
    const document = documentOf();
    const { name } = document;
    await a.post("/v1/workflows/validate", document).expect(200);
    await a.post("/v1/workflows/validate", { name }).expect(422);
    await a.post("/v1/workflows", document).expect(201);
    await a.post("/v1/workflows", document).expect(409);
    await a.post("/v1/workflows", { name }).expect(422);
    const other = documentOf();
    await a.put(`/v1/workflows/${other.name}`, other).expect(201);
    await a.put(`/v1/workflows/${other.name}?dryRun=true`, other).expect(200);
    await a.put(`/v1/workflows/${other.name}`, { ...other, tags: ["two"] }).expect(200);
    await a.put(`/v1/workflows/${other.name}`, other).set("if-match", '"1"').expect(412);
    await a.put(`/v1/workflows/${other.name}`, { name: other.name }).expect(422);
    const { body: read } = await a.get(`/v1/workflows/${other.name}`).expect(200);
    await a.put(`/v1/workflows/${read.id}`, document).expect(409);
    await a.get("/v1/workflows").expect(200);
    await a.get(`/v1/workflows/${other.name}/versions`).expect(200);
    await a.get(`/v1/workflows/${other.name}/versions/1`).expect(200);
    await a.post(`/v1/workflows/${other.name}/pause`).expect(200);
    await a.post(`/v1/workflows/${other.name}/resume`).expect(200);
    await a.delete(`/v1/workflows/${other.name}`).set("if-match", '"9"').expect(412);
    await a.delete(`/v1/workflows/${other.name}`).expect(204);
    for (const verb of ["pause", "resume"]) await a.post(`/v1/workflows/${read.id}/${verb}`).expect(409);
    await a.put(`/v1/workflows/${read.id}`, other).expect(409);
    const { body } = await a.post(`/v1/workflows/${read.id}/executions`).expect(409);
    expect(body.code).toBe("WORKFLOW_ARCHIVED");
  });

  it("executions", async () => {
    const name = await a.save(documentOf({ inputSchema: { type: ["null", "object"] } }, [failing]));
    const path = `/v1/workflows/${name}/executions`;
    await a.post(path, { input: 1 }).expect(422);
    await a.post(path, {}).set("idempotency-key", "k").expect(202);
    await a.post(path, { input: {} }).set("idempotency-key", "k").expect(422);
    const failed = await run(a, name);
    expect(failed.status).toBe("failed");
    await a.get("/v1/executions?count=true&status=failed,queued&label=no:label").expect(200);
    await a.get(`/v1/executions/${failed.id}?wait=1`).expect(200);
    await a.get(`/v1/executions/${failed.id}/events`).expect(200);
    await a.get(`/v1/executions/${failed.id}/events`).set("accept", "text/event-stream").expect(200);
    await a.get(`/v1/executions/${failed.id}/explain`).expect(200);
    await a.get(`/v1/executions/${failed.id}/steps/one`).expect(200);
    await a.post(`/v1/executions/${failed.id}/cancel`).expect(409);
    await a.post(`/v1/executions/${failed.id}/steps/one/wake`).expect(409);
    await a.post(`/v1/executions/${failed.id}/retry`, {}).expect(202);
    await untilEnd(a, failed.id);
    const { body: again } = await a.post(`/v1/executions/${failed.id}/replay`, { version: "latest" }).expect(202);
    await untilEnd(a, again.id);
    await a.post("/v1/executions/bulk/retry", { workflow: name }).expect(202);
    const good = await run(a, await a.save(documentOf()));
    const { body } = await a.post(`/v1/executions/${good.id}/retry`).expect(409);
    expect(body.code).toBe("NOTHING_TO_RETRY");
  });

  it("executions that wait, are full, or may no longer begin", async () => {
    const waiting = documentOf({}, [delayStep("nap", "1h"), transformStep("after", 1)]);
    const name = await a.save(waiting);
    const id = await start(a, name);
    await untilStep(a, id, "nap", "waiting");
    await a.post(`/v1/executions/${id}/retry`).expect(409);
    await a.post(`/v1/executions/${id}/steps/after/wake`).expect(409);
    await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(202);
    await untilEnd(a, id);
    const other = await start(a, name);
    const tenant = `/v1/tenants/${a.tenantId}`;
    const limited = async (unfinishedExecutions: number, call: () => Promise<void>) => {
      await operator.patch(tenant, { limits: { unfinishedExecutions } }).expect(200);
      await call();
    };
    await limited(1, async () => {
      await a.post(`/v1/workflows/${name}/executions`).expect(429);
      await a.post(`/v1/executions/${id}/replay`).expect(429);
    });
    await limited(10_000, async () => {
      await a.post(`/v1/executions/${other}/cancel`).expect(202);
    });
    await untilEnd(a, other);
    await a.put(`/v1/workflows/${name}`, { ...waiting, inputSchema: false }).expect(200);
    await a.post(`/v1/executions/${id}/replay`, { version: "latest" }).expect(422);
    await a.delete(`/v1/workflows/${name}`).expect(204);
    const { body } = await a.post(`/v1/executions/${id}/replay`).expect(409);
    expect(body.code).toBe("WORKFLOW_ARCHIVED");
  });

  it("schedules and statistics", async () => {
    const document = documentOf({ triggers: [{ id: "nightly", type: "schedule", cron: "0 2 * * *" }] });
    const { body: saved } = await a.post("/v1/workflows", document).expect(201);
    const { scheduleId } = saved.triggers[0];
    await a.get("/v1/schedules").expect(200);
    await a.get(`/v1/schedules/${scheduleId}`).expect(200);
    await a.post(`/v1/schedules/${scheduleId}/pause`).expect(200);
    await a.post(`/v1/schedules/${scheduleId}/resume`).expect(200);
    const { body: ran } = await a.post(`/v1/schedules/${scheduleId}/run`, {}).set("idempotency-key", "r").expect(202);
    await untilEnd(a, ran.id);
    await a.post(`/v1/workflows/${saved.id}/executions`).set("idempotency-key", "s").expect(202);
    await a.post(`/v1/schedules/${scheduleId}/run`).set("idempotency-key", "s").expect(422);
    await a.post("/v1/schedules/preview", { cron: "0 0 31 2 *" }).expect(422);
    await a.get(`/v1/schedules/${scheduleId}/fires`).expect(200);
    await a.post("/v1/schedules/preview", { cron: "0 2 * * *" }).expect(200);
    const { body } = await a.get("/v1/stats").expect(200);
    expect(body).toBeDefined();
  });

  it("deliveries", async () => {
    const hook = { id: "orders", type: "webhook", signature: { scheme: "none" } };
    const document = documentOf({ triggers: [hook] });
    const { body: saved } = await a.post("/v1/workflows", document).expect(201);
    const { rows } = await world.admin.pool.query("select id from keelson.workflow_versions where workflow_id = $1", [
      saved.id,
    ]);
    const id = newId();
    await deliveryAccept(world.admin, {
      tenantId: a.tenantId,
      delivery: {
        id,
        hookId: saved.triggers[0].hookId,
        workflowId: saved.id,
        repeatKey: null,
        headers: { "content-type": "application/json" },
        query: {},
        contentType: "application/json",
      },
      body: Buffer.from("{}"),
      start: {
        executionId: newId(),
        versionId: rows[0].id,
        triggerType: "webhook",
        trigger: { type: "webhook" },
        input: null,
      },
      maxUnfinished: null,
    });
    await a.get("/v1/deliveries?status=accepted").expect(200);
    await a.get(`/v1/deliveries/${id}`).expect(200);
    await a.post(`/v1/deliveries/${id}/redeliver`).expect(202);
    await a.put(`/v1/workflows/${saved.id}`, { ...document, inputSchema: false }).expect(200);
    await a.post(`/v1/deliveries/${id}/redeliver`).expect(422);
    await a.put(`/v1/workflows/${saved.id}`, { ...document, triggers: [] }).expect(200);
    const { body } = await a.post(`/v1/deliveries/${id}/redeliver`).expect(409);
    expect(body.code).toBe("TRIGGER_GONE");
  });

  it("bulk actions", async () => {
    const { id } = await run(a, await a.save(documentOf({}, [failing])));
    await a.post("/v1/bulk-actions", { action: "retry", ids: [id], dryRun: true }).expect(200);
    const { body } = await a.post("/v1/bulk-actions", { action: "retry", ids: [id] }).expect(202);
    await a.get("/v1/bulk-actions").expect(200);
    await a.get(`/v1/bulk-actions/${body.id}`).expect(200);
    await a.post(`/v1/bulk-actions/${body.id}/cancel`).expect(202);
    const { body: again } = await a.post(`/v1/bulk-actions/${body.id}/cancel`);
    expect(again.code ?? again.id).toMatch(/^BULK_ACTION_ENDED$|^[0-9a-f-]{36}$/);
  });

  it("operations", async () => {
    for (const name of ["overview", "capacity", "workers", "tenants", "violations", "audit"]) {
      const { status } = await operator.get(`/v1/ops/${name}`);
      expect(`${name} ${status}`).toBe(`${name} 200`);
    }
    await operator.post("/v1/ops/audit").expect(200);
  });
});

/** Need a producer's bytes that no type parses, or a race: they have tests of their own. */
const ELSEWHERE = new Set([
  "redeliver MALFORMED_BODY",
  "redeliver WORKFLOW_ARCHIVED",
  "redeliver TOO_MANY_UNFINISHED",
  "cancelBulkAction BULK_ACTION_ENDED",
  "runSchedule WORKFLOW_ARCHIVED",
  "runSchedule TOO_MANY_UNFINISHED",
]);

it("nothing of the document was left out", () => {
  const successes = OPERATIONS.flatMap(({ operationId, spec }) =>
    Object.keys(objectAt(spec, ["responses"])).flatMap((status) =>
      Number(status) < 400 ? [`${operationId} ${status}`] : [],
    ),
  );
  const refusals = ROUTES.flatMap(({ doc }) => doc.refusals.map((code) => `${doc.operationId} ${code}`));
  const seen = new Set([...SEEN].flatMap(([operationId, marks]) => [...marks].map((mark) => `${operationId} ${mark}`)));
  expect([...successes, ...refusals].filter((mark) => !seen.has(mark) && !ELSEWHERE.has(mark))).toEqual([]);
});
