// Every stage's refusal: its status, and what is kept of it.

import { gzipSync } from "node:zlib";
import type { WebhookTrigger } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createWorld, type RunningIngress, type World } from "./support/world.ts";
import { OTHER_WHSEC, standardHeaders, WHSEC } from "./support/sign.ts";
import type { Document, TestTenant, TestWorkflow } from "./support/tenant.ts";
import type { Answered } from "./support/post.ts";

const ORDERS: WebhookTrigger = { id: "orders", type: "webhook", signature: { secrets: ["HOOK"] } };
const BODY = JSON.stringify({ orderId: "o-1" });

let world: World;
let ingress: RunningIngress;

beforeAll(async () => {
  world = await createWorld();
  ingress = await world.ingress();
});
afterAll(() => world.close());

async function orders(
  document: Document = {},
  limits?: Parameters<World["tenant"]>[0],
): Promise<{ tenant: TestTenant; workflow: TestWorkflow }> {
  const tenant = await world.tenant(limits);
  await tenant.secret("HOOK", WHSEC);
  return { tenant, workflow: await tenant.workflow({ triggers: [ORDERS], ...document }) };
}

function expectProblem(answer: Answered, status: number, code: string): void {
  expect([answer.status, answer.json?.code]).toEqual([status, code]);
  expect(answer.headers["content-type"]).toBe("application/problem+json");
  expect(answer.json).toMatchObject({ status, requestId: answer.headers["x-request-id"] });
}

describe("before anything of the hook is looked at", () => {
  it("a body over 1 MiB is 413, with and without its length announced", async () => {
    const { tenant, workflow } = await orders();
    const body = Buffer.alloc(1024 * 1024 + 1, "x");
    const headers = standardHeaders(body, { type: "text/plain" });
    expectProblem(await ingress.send({ path: workflow.path(), headers, body }), 413, "PAYLOAD_TOO_LARGE");
    const chunked = { ...headers, "content-length": undefined, "transfer-encoding": "chunked" };
    expectProblem(await ingress.send({ path: workflow.path(), headers: chunked, body }), 413, "PAYLOAD_TOO_LARGE");
    expect(await tenant.executions()).toEqual([]);
  });

  it.each([
    ["another type", { "content-type": "application/octet-stream" }],
    ["several parts", { "content-type": "multipart/form-data; boundary=x" }],
    ["another charset", { "content-type": "application/json; charset=utf-16" }],
    ["no type", { "content-type": undefined }],
  ])("%s is 415", async (_what, change) => {
    const { tenant, workflow } = await orders();
    const headers = { ...standardHeaders(BODY), ...change };
    expectProblem(await ingress.send({ path: workflow.path(), headers, body: BODY }), 415, "UNSUPPORTED_MEDIA_TYPE");
    expect(await tenant.executions()).toEqual([]);
  });

  it("an encoded body is 415, however it was signed", async () => {
    const { tenant, workflow } = await orders();
    const body = gzipSync(BODY);
    for (const signed of [body, BODY]) {
      const headers = { ...standardHeaders(signed), "content-encoding": "gzip" };
      expectProblem(await ingress.send({ path: workflow.path(), headers, body }), 415, "UNSUPPORTED_MEDIA_TYPE");
    }
    expect(await tenant.executions()).toEqual([]);
  });
});

describe("the address", () => {
  it.each(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])("takes no %s", async (method) => {
    const { workflow } = await orders();
    const answer = await ingress.send({ method, path: workflow.path() });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe("POST");
  });

  it("is exact: another case, a slash more and what is no UUID are 404", async () => {
    const { workflow } = await orders();
    const path = workflow.path();
    const id = path.slice("/hooks/".length);
    for (const other of [
      `${path}/`,
      `/Hooks/${id}`,
      `/hooks/${id}0`,
      `/hooks/{${id}}`,
      "/hooks/x",
      "/hooks/",
      "/hooks",
      `/hooks/${id}%2f`,
    ]) {
      const answer = await ingress.send({ path: other, headers: standardHeaders(BODY), body: BODY });
      expect([other, answer.status, answer.json.code]).toEqual([other, 404, "NOT_FOUND"]);
    }
  });

  it("of no hook, of a hook left out, and of a deleted tenant's are the same 404", async () => {
    const left = await orders();
    const deleted = await orders();
    await left.workflow.save({});
    await deleted.tenant.remove();
    const answers: Answered[] = [];
    for (const path of ["/hooks/01900000-0000-7000-8000-000000000000", left.workflow.path(), deleted.workflow.path()]) {
      answers.push(await ingress.send({ path, headers: standardHeaders(BODY), body: BODY }));
    }
    for (const answer of answers) {
      expectProblem(answer, 404, "NOT_FOUND");
      expect({ ...answer.json, requestId: "" }).toEqual({ ...answers[0]?.json, requestId: "" });
    }
  });

  it("of an archived workflow is 410, remembered or not", async () => {
    const { tenant, workflow } = await orders();
    await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    await workflow.archive();
    for (let i = 0; i < 2; i++) {
      const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
      expectProblem(answer, 410, "HOOK_GONE");
      ingress.hooks.forgetAll();
    }
    expect(await tenant.executions()).toHaveLength(1);
  });
});

describe("the signature", () => {
  it.each([
    ["missing", { "webhook-signature": undefined }, "HEADER_MISSING"],
    ["wrong", { "webhook-signature": "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, "SIGNATURE_MISMATCH"],
    ["of another id", { "webhook-id": "msg_other" }, "SIGNATURE_MISMATCH"],
    ["sent twice", { "webhook-id": ["msg_a", "msg_b"] }, "HEADER_REPEATED"],
  ])("that is %s is 401; the tenant reads why, the sender does not", async (_what, change, code) => {
    const { tenant, workflow } = await orders();
    const headers = { ...standardHeaders(BODY), ...change };
    const answer = await ingress.send({ path: workflow.path(), headers, body: BODY });
    expectProblem(answer, 401, "SIGNATURE_INVALID");
    expect(answer.text).not.toContain(code);
    expect(answer.json.errors).toBeUndefined();
    const [delivery] = await tenant.deliveries();
    expect(delivery).toMatchObject({ status: "rejected", execution_id: null, repeat_key: null });
    expect(delivery?.reason).toEqual({ code, text: expect.any(String), hint: expect.any(String) });
    expect(Buffer.from(delivery!.body).toString()).toBe(BODY);
    expect(await tenant.executions()).toEqual([]);
  });

  it("that is stale, or from the future, is 401", async () => {
    const { tenant, workflow } = await orders();
    for (const atMs of [Date.now() - 400_000, Date.now() + 400_000]) {
      const answer = await ingress.send({
        path: workflow.path(),
        headers: standardHeaders(BODY, { atMs }),
        body: BODY,
      });
      expectProblem(answer, 401, "SIGNATURE_INVALID");
    }
    const reasons = (await tenant.deliveries()).map(({ reason }) => reason?.code);
    expect(reasons).toEqual(["TIMESTAMP_STALE", "TIMESTAMP_IN_FUTURE"]);
  });

  it("is of the raw bytes: one byte more, or less, is 401", async () => {
    const { tenant, workflow } = await orders();
    for (const body of [`${BODY} `, BODY.slice(1), `\uFEFF${BODY}`]) {
      const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body });
      expect(answer.status).toBe(401);
    }
    expect(await tenant.executions()).toEqual([]);
  });

  it("by another tenant's secret of the same name is 401", async () => {
    const { workflow } = await orders();
    const stranger = await world.tenant();
    await stranger.secret("HOOK", OTHER_WHSEC);
    const strangers = await stranger.workflow({ triggers: [ORDERS] });
    const headers = standardHeaders(BODY, { secret: OTHER_WHSEC });
    expect((await ingress.send({ path: strangers.path(), headers, body: BODY })).status).toBe(202);
    expect((await ingress.send({ path: workflow.path(), headers, body: BODY })).status).toBe(401);
  });

  it("cannot hold while no secret has a value", async () => {
    const { tenant, workflow } = await orders();
    await tenant.secret("HOOK", null);
    const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    expectProblem(answer, 401, "SIGNATURE_INVALID");
    expect((await tenant.deliveries())[0]?.reason?.code).toBe("NO_SECRET");
  });

  it("comes before everything that would be said of the body", async () => {
    const { workflow } = await orders({ inputSchema: false });
    const headers = standardHeaders("x", { secret: OTHER_WHSEC });
    expect((await ingress.send({ path: workflow.path(), headers, body: "{" })).status).toBe(401);
  });

  it("is kept out of the logs, as are secrets, bodies and the hook's address", async () => {
    const { workflow } = await orders();
    const headers = standardHeaders(BODY);
    await ingress.send({ path: workflow.path(), headers, body: BODY });
    await ingress.send({ path: workflow.path(), headers: { ...headers, "webhook-id": "msg_x" }, body: BODY });
    const log = ingress.logLines.join("\n");
    expect(log).toContain("http.request");
    for (const secret of [headers["webhook-signature"]!, WHSEC, "o-1", workflow.path()])
      expect(log).not.toContain(secret);
  });
});

describe("a flood of wrong signatures", () => {
  it("is kept in part, then refused with 429, and never shuts the producer out", async () => {
    const { tenant, workflow } = await orders();
    const wrong = { ...standardHeaders(BODY), "webhook-signature": "v1,AAAA" };
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) {
      const answers = await Promise.all(
        Array.from({ length: 26 }, () => ingress.send({ path: workflow.path(), headers: wrong, body: BODY })),
      );
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(600);
    expect(statuses.filter((status) => status === 429)).toHaveLength(50);
    expect(await tenant.deliveries()).toHaveLength(60);
    const refused = await ingress.send({ path: workflow.path(), headers: wrong, body: BODY });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    const right = await ingress.send({ path: workflow.path(), headers: standardHeaders(BODY), body: BODY });
    expect(right.status).toBe(202);
    const malformed = await ingress.send({ path: workflow.path(), headers: standardHeaders("{"), body: "{" });
    expect(malformed.status).toBe(400);
    expect((await tenant.deliveries()).map(({ reason }) => reason?.code)).toContain("MALFORMED_BODY");
  });

  it("fills the table no faster with large bodies", async () => {
    const { tenant, workflow } = await orders();
    const body = Buffer.alloc(1024 * 1024, "x");
    const headers = { ...standardHeaders(BODY, { type: "text/plain" }), "webhook-signature": "v1,AAAA" };
    for (let i = 0; i < 6; i++) {
      expect((await ingress.send({ path: workflow.path(), headers, body })).status).toBe(401);
    }
    expect(await tenant.deliveries()).toHaveLength(3);
  });
});

describe("a signed body", () => {
  it.each([
    ["JSON that is cut off", "application/json", `{"a":`],
    ["JSON with __proto__", "application/json", `{"__proto__":{}}`],
    ["JSON with NUL", "application/json", `"\\u0000"`],
    ["JSON with half of a surrogate pair", "application/json", `"\\udc00"`],
    ["JSON too deep", "application/json", "[".repeat(129) + "]".repeat(129)],
    ["JSON that is not UTF-8", "application/json", Buffer.from([0x22, 0xc3, 0x28, 0x22])],
    ["text that is not UTF-8", "text/plain", Buffer.from([0xff, 0xfe, 0x00])],
    ["a form that is not UTF-8", "application/x-www-form-urlencoded", "a=%FF"],
  ])("of %s is 400, and kept byte by byte", async (_what, type, body) => {
    const { tenant, workflow } = await orders();
    const answer = await ingress.send({ path: workflow.path(), headers: standardHeaders(body, { type }), body });
    expectProblem(answer, 400, "MALFORMED_BODY");
    const [delivery] = await tenant.deliveries();
    expect(delivery).toMatchObject({ status: "rejected", reason: { code: "MALFORMED_BODY" } });
    expect(Buffer.from(delivery!.body).equals(Buffer.from(body))).toBe(true);
    expect(await tenant.executions()).toEqual([]);
  });

  it("that does not fit the inputSchema is 422 with all that is wrong, and uses up no key", async () => {
    const { tenant, workflow } = await orders({
      inputSchema: { type: "object", required: ["orderId"], properties: { amount: { type: "number" } } },
    });
    const body = JSON.stringify({ amount: "12" });
    const refused = await ingress.send({
      path: workflow.path(),
      headers: standardHeaders(body, { id: "msg_k" }),
      body,
    });
    expectProblem(refused, 422, "INPUT_INVALID");
    expect(refused.json.errors).toEqual([
      { path: "/orderId", code: "INPUT_INVALID", message: "is required" },
      { path: "/amount", code: "INPUT_INVALID", message: "must be number" },
    ]);
    expect((await tenant.deliveries())[0]).toMatchObject({ status: "rejected", reason: { code: "INPUT_INVALID" } });
    expect(await tenant.executions()).toEqual([]);
    const mended = await ingress.send({
      path: workflow.path(),
      headers: standardHeaders(BODY, { id: "msg_k" }),
      body: BODY,
    });
    expect(mended.json).toMatchObject({ duplicate: false });
  });
});

describe("limits", () => {
  it("refuse with 429 and Retry-After above the tenant's rate, each hook by itself", async () => {
    const { tenant, workflow } = await orders({}, { webhookPerMinute: 2 });
    const other = await tenant.workflow({ triggers: [ORDERS] });
    const send = (path: string) => ingress.send({ path, headers: standardHeaders(BODY), body: BODY });
    for (let i = 0; i < 2; i++) expect((await send(workflow.path())).status).toBe(202);
    const refused = await send(workflow.path());
    expectProblem(refused, 429, "RATE_LIMITED");
    expect(Number(refused.headers["retry-after"])).toBe(60);
    expect(refused.json.detail).toContain("2 rightly signed requests a minute");
    expect((await send(other.path())).status).toBe(202);
    ingress.clock.passedMs += 60_000;
    expect((await send(workflow.path())).status).toBe(202);
    expect(await tenant.executions()).toHaveLength(4);
    expect((await tenant.deliveries()).map(({ reason }) => reason?.code ?? null)).toEqual([
      null,
      null,
      "RATE_LIMITED",
      null,
      null,
    ]);
  });

  it("are 1,200 a minute where the tenant has none of its own, and do not count wrong signatures", async () => {
    const { workflow } = await orders();
    const wrong = { ...standardHeaders(BODY), "webhook-signature": "v1,AAAA" };
    expect((await ingress.send({ path: workflow.path(), headers: wrong, body: BODY })).status).toBe(401);
    const statuses: number[] = [];
    // Without a body to store or an execution to start: the rate stands before both.
    for (let i = 0; i < 41; i++) {
      const answers = await Promise.all(
        Array.from({ length: 30 }, () =>
          ingress.send({ path: workflow.path(), headers: standardHeaders("{"), body: "{" }),
        ),
      );
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(statuses.filter((status) => status === 400)).toHaveLength(1_200);
    expect(statuses.filter((status) => status === 429)).toHaveLength(30);
  }, 120_000);

  it("refuse what would be one unfinished execution too many, and use up no key for it", async () => {
    const { tenant, workflow } = await orders({}, { unfinishedExecutions: 1 });
    const send = (id: string) =>
      ingress.send({ path: workflow.path(), headers: standardHeaders(BODY, { id }), body: BODY });
    const first = await send("msg_1");
    const refused = await send("msg_2");
    expectProblem(refused, 429, "TOO_MANY_UNFINISHED");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect((await send("msg_1")).json).toMatchObject({ duplicate: true, executionId: first.json.executionId });
    expect((await tenant.deliveries()).map(({ status }) => status)).toEqual(["accepted", "rejected", "duplicate"]);
    expect(await tenant.executions()).toHaveLength(1);
  });
});

describe("metrics", () => {
  it("count every request by its verdict", async () => {
    const own = await world.ingress();
    const { workflow } = await orders();
    const headers = standardHeaders(BODY);
    await own.send({ path: workflow.path(), headers, body: BODY });
    await own.send({ path: workflow.path(), headers, body: BODY });
    await own.send({ path: workflow.path(), headers: { ...headers, "webhook-id": "x" }, body: BODY });
    await own.send({ path: workflow.path(), headers: { ...headers, "content-type": "image/png" }, body: BODY });
    await own.send({ path: workflow.path(), headers, body: Buffer.alloc(1024 * 1024 + 1) });
    const { text } = await own.send({ method: "GET", path: "/metrics" });
    for (const verdict of [
      "accepted",
      "duplicate",
      "SIGNATURE_INVALID",
      "UNSUPPORTED_MEDIA_TYPE",
      "PAYLOAD_TOO_LARGE",
    ]) {
      expect(text).toMatch(new RegExp(`keelson_deliveries_total\\{verdict="${verdict}",service="ingress"\\} 1\\n`));
    }
    expect(text).toMatch(/keelson_ack_seconds_count\{[^}]*verdict="accepted"[^}]*\} 1/);
    expect(text).toMatch(/keelson_http_request_seconds_count\{[^}]*route="\/hooks\/:hookId"[^}]*status="202"[^}]*\} 2/);
    expect(text).not.toContain(workflow.path());
  });
});
