// What is acknowledged is in PostgreSQL (I6); what PostgreSQL could not take is never acknowledged.

import type { WebhookTrigger } from "@keelson/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type CutProxy, cutProxy } from "./support/cut-proxy.ts";
import { standardHeaders, WHSEC } from "./support/sign.ts";
import type { TestTenant, TestWorkflow } from "./support/tenant.ts";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
const BODY = JSON.stringify({ orderId: "o-1" });

let world: World;
let proxy: CutProxy;
let ingress: RunningIngress;
let tenant: TestTenant;
let workflow: TestWorkflow;

beforeAll(async () => {
  world = await createWorld();
  proxy = await cutProxy(world.appUrl);
  ingress = await world.ingress(proxy.url);
});
afterAll(async () => {
  await world.close();
  await proxy.close();
});
beforeEach(async () => {
  proxy.restore();
  tenant = await world.tenant();
  await tenant.secret("HOOK", WHSEC);
  workflow = await tenant.workflow({ triggers: [ORDERS] });
});

const send = (headers: Readonly<Record<string, string>>) =>
  ingress.send({ path: workflow.path(), headers, body: BODY });

describe("while PostgreSQL is away", () => {
  it("a webhook is 503 with Retry-After, whether or not its hook is remembered", async () => {
    expect((await send(standardHeaders(BODY))).status).toBe(202);
    proxy.cut();
    for (const forget of [() => undefined, () => ingress.hooks.forgetAll()]) {
      forget();
      const answer = await send(standardHeaders(BODY));
      expect([answer.status, answer.json.code]).toEqual([503, "UNAVAILABLE"]);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    }
    expect(await tenant.executions()).toHaveLength(1);
    expect(ingress.woken).toHaveLength(1);
  });

  it("a wrong signature is 503 too, since its secret may just have changed, and 401 where many of them came", async () => {
    const wrong = { ...standardHeaders(BODY), "webhook-signature": "v1,AAAA" };
    expect((await send(wrong)).status).toBe(401);
    proxy.cut();
    expect((await send(wrong)).status).toBe(503);
    proxy.restore();
    for (let i = 0; i < 30; i++) expect((await send(wrong)).status).toBe(401);
    proxy.cut();
    expect((await send(wrong)).status).toBe(401);
  });

  it("the service is alive, but not ready; when PostgreSQL is back it takes webhooks again", async () => {
    proxy.cut();
    expect((await ingress.send({ method: "GET", path: "/healthz" })).status).toBe(200);
    expect((await ingress.send({ method: "GET", path: "/readyz" })).status).toBe(503);
    proxy.restore();
    expect((await ingress.send({ method: "GET", path: "/readyz" })).status).toBe(200);
    expect((await send(standardHeaders(BODY))).status).toBe(202);
  });
});

it("a commit whose answer is lost is 503, and the producer's next try the same execution", async () => {
  await send(standardHeaders(BODY));
  const headers = standardHeaders(BODY, { id: "msg_lost" });
  proxy.swallowAnswers();
  expect((await send(headers)).status).toBe(503);
  proxy.restore();
  const committed = (await tenant.deliveries()).find(({ repeat_key: key }) => key === "msg_lost");
  const again = await send(headers);
  expect(again.status).toBe(202);
  expect(again.json).toMatchObject({ duplicate: true, executionId: committed?.execution_id });
  expect(await tenant.executions()).toHaveLength(2);
});
