// A repeat of an accepted delivery is the same execution (I6), whatever comes with it and however many come at once.

import type { WebhookTrigger } from "@keelson/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";
import { githubHeaders, standardHeaders, stripeHeaders, WHSEC } from "./support/sign.ts";
import type { TestTenant } from "./support/tenant.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
const BODY = JSON.stringify({ orderId: "o-1" });

let world: World;
let ingress: RunningIngress;
let second: RunningIngress;
let tenant: TestTenant;

beforeAll(async () => {
  world = await createWorld();
  ingress = await world.ingress();
  second = await world.ingress();
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
});
afterAll(() => world.close());

const startedBy = async (workflowId: string) =>
  world.db.withTenant(
    tenant.id,
    (tx) =>
      tx.$queryRaw<{ id: string }[]>`select id::text from keelson.executions where workflow_id = ${workflowId}::uuid`,
  );

it("of a hundred of the same at once, at two ingresses, one starts and all are told of it", async () => {
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const headers = standardHeaders(BODY, { id: "msg_hundred" });
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      (i % 2 === 0 ? ingress : second).send({ path: workflow.path(), headers, body: BODY }),
    ),
  );
  expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
  const started = await startedBy(workflow.id);
  expect(started).toHaveLength(1);
  expect(new Set(answers.map(({ json }) => json.executionId))).toEqual(new Set([started[0]?.id]));
  expect(answers.filter(({ json }) => json.duplicate === false)).toHaveLength(1);
  expect(new Set(answers.map(({ json }) => json.deliveryId)).size).toBe(100);
  const deliveries = (await tenant.deliveries()).filter(({ execution_id: id }) => id === started[0]?.id);
  expect(deliveries.filter(({ status }) => status === "duplicate")).toHaveLength(99);
  expect([...ingress.woken, ...second.woken].filter((id) => id === started[0]?.id)).toHaveLength(1);
});

it("wins over a body that would be refused: another, a broken one, one that does not fit", async () => {
  const workflow = await tenant.workflow({
    triggers: [ORDERS],
    inputSchema: { type: "object", required: ["orderId"] },
  });
  const first = await ingress.send({
    path: workflow.path(),
    headers: standardHeaders(BODY, { id: "msg_w" }),
    body: BODY,
  });
  for (const body of [`{"orderId":"o-2"}`, `{"`, `{}`, "", Buffer.from([0xff])]) {
    const headers = standardHeaders(body, { id: "msg_w" });
    const answer = await ingress.send({ path: workflow.path(), headers, body });
    expect([answer.status, answer.json]).toEqual([
      202,
      expect.objectContaining({ executionId: first.json.executionId, duplicate: true }),
    ]);
  }
  expect(await startedBy(workflow.id)).toHaveLength(1);
});

it("wins over the version saved since, and over its execution's end and removal", async () => {
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const headers = standardHeaders(BODY, { id: "msg_v" });
  const first = await ingress.send({ path: workflow.path(), headers, body: BODY });
  await workflow.save({ triggers: [ORDERS], inputSchema: false });
  ingress.hooks.forgetAll();
  const answer = await ingress.send({ path: workflow.path(), headers, body: BODY });
  expect(answer.json).toMatchObject({ duplicate: true, executionId: first.json.executionId });
});

it("must be rightly signed itself", async () => {
  const workflow = await tenant.workflow({ triggers: [ORDERS] });
  const headers = standardHeaders(BODY, { id: "msg_s" });
  await ingress.send({ path: workflow.path(), headers, body: BODY });
  const forged = { ...headers, "webhook-signature": "v1,AAAA" };
  expect((await ingress.send({ path: workflow.path(), headers: forged, body: BODY })).status).toBe(401);
});

it("is a matter of one hook: the same key at another starts anew", async () => {
  const other = { ...ORDERS, id: "returns" };
  const workflow = await tenant.workflow({ triggers: [ORDERS, other] });
  const headers = standardHeaders(BODY, { id: "msg_two_hooks" });
  for (const path of [workflow.path("orders"), workflow.path("returns")]) {
    expect((await ingress.send({ path, headers, body: BODY })).json).toMatchObject({ duplicate: false });
  }
  expect(await startedBy(workflow.id)).toHaveLength(2);
});

it("is none without a key", async () => {
  await tenant.secret("PLAIN", "plain secret");
  const workflow = await tenant.workflow({
    triggers: [{ id: "orders", type: "webhook", signature: { scheme: "stripe", secrets: ["PLAIN"] } }],
  });
  const headers = stripeHeaders(BODY, "plain secret");
  for (let i = 0; i < 2; i++) {
    expect((await ingress.send({ path: workflow.path(), headers, body: BODY })).json).toMatchObject({
      duplicate: false,
    });
  }
  expect(await startedBy(workflow.id)).toHaveLength(2);
});

it("may have a key that no index could hold", async () => {
  await tenant.secret("PLAIN", "plain secret");
  const workflow = await tenant.workflow({
    triggers: [{ id: "orders", type: "webhook", signature: { scheme: "github", secrets: ["PLAIN"] } }],
  });
  const headers = githubHeaders(BODY, "plain secret", "k".repeat(8_000));
  const first = await ingress.send({ path: workflow.path(), headers, body: BODY });
  const repeat = await ingress.send({ path: workflow.path(), headers, body: BODY });
  expect(repeat.json).toMatchObject({ duplicate: true, executionId: first.json.executionId });
});
