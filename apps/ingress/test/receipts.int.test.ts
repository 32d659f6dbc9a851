// `statusUrl`: what a producer without an API key learns of its delivery, and that it learns nothing else.

import { DeliveryReceipt, WebhookAccepted, WebhookChallenge, type WebhookTrigger } from "@keelson/contracts";
import { type Database, openDatabase } from "@keelson/db";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type CutProxy, cutProxy } from "./support/cut-proxy.ts";
import { slackHeaders, standardHeaders, WHSEC } from "./support/sign.ts";
import type { TestTenant, TestWorkflow } from "./support/tenant.ts";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
const BODY = JSON.stringify({ orderId: "o-1" });
const DAY_MS = 24 * 60 * 60 * 1000;

let world: World;
let proxy: CutProxy;
let ingress: RunningIngress;
let second: RunningIngress;
let tenant: TestTenant;
let workflow: TestWorkflow;
/** Does what workers and schedulers do, without them. */
let admin: Database;

beforeAll(async () => {
  world = await createWorld();
  admin = openDatabase({ url: world.database.adminUrl, applicationName: "keelson-test-admin", maxConnections: 1 });
  proxy = await cutProxy(world.appUrl);
  ingress = await world.ingress(proxy.url);
  second = await world.ingress();
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
  workflow = await tenant.workflow({ triggers: [ORDERS] });
});
afterAll(async () => {
  await admin.close();
  await world.close();
  await proxy.close();
});
beforeEach(() => {
  ingress.clock.passedMs += 60_000;
  ingress.clock.wallAheadMs = 0;
});

async function deliver(id?: string): Promise<{ accepted: WebhookAccepted; path: string }> {
  const headers = standardHeaders(BODY, id === undefined ? {} : { id });
  const answer = await ingress.send({ path: workflow.path(), headers, body: BODY });
  const accepted = WebhookAccepted.parse(answer.json);
  expect(accepted.statusUrl.startsWith(`${ingress.url}/receipts/`)).toBe(true);
  return { accepted, path: new URL(accepted.statusUrl).pathname };
}
const ask = (path: string, of = ingress) => of.send({ method: "GET", path });
const sql = (statement: string, ...values: unknown[]) => admin.pool.query(statement, values);
const end = (executionId: string, status: string) =>
  sql(
    `update keelson.executions set status = $2, finished_at = now(), sweep_at = null, wake_at = null,
       error = case $2 when 'failed' then '{"code": "HTTP_STATUS", "message": "private"}'::jsonb end,
       error_code = case $2 when 'failed' then 'HTTP_STATUS' end
     where id = $1`,
    executionId,
    status,
  );

describe("a receipt", () => {
  it("tells that the delivery runs, then that it has ended, and nothing of how", async () => {
    const { accepted, path } = await deliver();
    const running = await ask(path);
    expect([running.status, running.json]).toEqual([
      200,
      { deliveryId: accepted.deliveryId, status: "accepted", execution: "running" },
    ]);
    expect(running.headers["cache-control"]).toBe("no-store");
    await end(accepted.executionId, "failed");
    const ended = await ask(path);
    expect(DeliveryReceipt.parse(ended.json)).toEqual({
      deliveryId: accepted.deliveryId,
      status: "accepted",
      execution: "ended",
    });
  });

  it("of a repeat says so, and follows the first one's execution", async () => {
    const first = await deliver("msg_receipt");
    const repeat = await deliver("msg_receipt");
    expect((await ask(repeat.path)).json).toEqual({
      deliveryId: repeat.accepted.deliveryId,
      status: "duplicate",
      execution: "running",
    });
    await end(first.accepted.executionId, "succeeded");
    expect((await ask(repeat.path)).json).toMatchObject({ status: "duplicate", execution: "ended" });
  });

  it("is read at any ingress, with one statement, and needs no API key", async () => {
    const { path } = await deliver();
    const query = vi.spyOn(second.db.pool, "query");
    try {
      expect((await ask(path, second)).status).toBe(200);
      expect(query.mock.calls.map(([statement]) => statement)).toEqual([
        expect.objectContaining({ name: "delivery_receipt" }),
      ]);
    } finally {
      query.mockRestore();
    }
  });

  it("can be read for 24 hours, and is gone after that", async () => {
    const { path } = await deliver();
    ingress.clock.wallAheadMs = DAY_MS - 60_000;
    expect((await ask(path)).status).toBe(200);
    ingress.clock.wallAheadMs = DAY_MS + 1_000;
    const answer = await ask(path);
    expect([answer.status, answer.json.code]).toEqual([410, "RECEIPT_GONE"]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  it("says that an execution which is no longer kept has ended, and that a delivery which is not is gone", async () => {
    const { accepted, path } = await deliver();
    await end(accepted.executionId, "succeeded");
    await sql("delete from keelson.executions where id = $1", accepted.executionId);
    expect((await ask(path)).json).toMatchObject({ status: "accepted", execution: "ended" });
    await sql("delete from keelson.deliveries where id = $1", accepted.deliveryId);
    const answer = await ask(path);
    expect([answer.status, answer.json.code, answer.json.detail]).toEqual([
      410,
      "RECEIPT_GONE",
      "The delivery is no longer kept.",
    ]);
  });

  it("of a deleted tenant is gone", async () => {
    const leaving = await world.tenant();
    await leaving.secret("HOOK", WHSEC);
    const hook = await leaving.workflow({ triggers: [ORDERS] });
    const answer = await ingress.send({ path: hook.path(), headers: standardHeaders(BODY), body: BODY });
    await leaving.remove();
    expect((await ask(new URL(answer.json.statusUrl!).pathname)).status).toBe(410);
  });
});

describe("an address that was not given out", () => {
  it("is 404 without a question to PostgreSQL: tampered with, cut, or made up", async () => {
    const { path } = await deliver();
    const other = path.endsWith("A") ? "B" : "A";
    const query = vi.spyOn(ingress.db.pool, "query");
    try {
      for (const wrong of [path.slice(0, -1) + other, path.slice(0, -1), `${path}A`, "/receipts/x", "/receipts/%00"]) {
        const answer = await ask(wrong);
        expect([wrong, answer.status, answer.json.code]).toEqual([wrong, 404, "NOT_FOUND"]);
      }
      expect(query).not.toHaveBeenCalled();
    } finally {
      query.mockRestore();
    }
  });

  it("takes GET alone", async () => {
    const { path } = await deliver();
    for (const method of ["POST", "PUT", "DELETE"]) {
      const answer = await ingress.send({ method, path });
      expect([answer.status, answer.json.code]).toEqual([405, "METHOD_NOT_ALLOWED"]);
      expect(answer.headers.allow).toContain("GET");
    }
  });
});

it("cannot be hammered: above 600 a minute of one client it is 429 with Retry-After, and shuts out no other tenant", async () => {
  const { path } = await deliver();
  const hammer = async (at: string): Promise<void> => {
    for (let i = 0; i < 12; i++) await Promise.all(Array.from({ length: 50 }, () => ask(at)));
    const answer = await ask(at);
    expect([answer.status, answer.json.code]).toEqual([429, "RATE_LIMITED"]);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  };
  await hammer("/receipts/x");
  expect((await ask(path)).status).toBe(200);
  await hammer(path);
  const other = await world.tenant();
  await other.secret("HOOK", WHSEC);
  const theirs = await other.workflow({ triggers: [ORDERS] });
  const accepted = await ingress.send({ path: theirs.path(), headers: standardHeaders(BODY), body: BODY });
  expect((await ask(new URL(String(accepted.json.statusUrl)).pathname)).status).toBe(200);
  expect((await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY })).status).toBe(202);
});

it("is 503 while PostgreSQL is away", async () => {
  const { path } = await deliver();
  proxy.cut();
  const answer = await ask(path);
  expect([answer.status, answer.json.code]).toEqual([503, "UNAVAILABLE"]);
  proxy.restore();
  expect((await ask(path)).status).toBe(200);
});

it("keeps its address out of the logs", async () => {
  const { path } = await deliver();
  await ask(path);
  await vi.waitFor(() => expect(ingress.logLines.join("\n")).toContain("/receipts/:token"));
  expect(ingress.logLines.join("\n")).not.toContain(path.slice("/receipts/".length));
});

it("is not given with Slack's challenge", async () => {
  await tenant.secret("PLAIN", "plain secret");
  const slack = await tenant.workflow({
    triggers: [{ id: "orders", type: "webhook", signature: { scheme: "slack", secrets: ["PLAIN"] } }],
  });
  const body = JSON.stringify({ type: "url_verification", challenge: "c" });
  const answer = await ingress.send({ path: slack.path(), headers: slackHeaders(body, "plain secret"), body });
  expect(WebhookChallenge.parse(answer.json)).toEqual({ challenge: "c" });
});
