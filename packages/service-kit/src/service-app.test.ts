import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { Router } from "express";
import request from "supertest";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { AppError } from "./app-error.ts";
import type { ReadinessCheck } from "./health.ts";
import { createLogger } from "./logger.ts";
import { createMetrics } from "./metrics.ts";
import { parseRequest } from "./parse-request.ts";
import { addLogFields } from "./request-context.ts";
import { createServiceApp } from "./service-app.ts";
import { createServiceServer } from "./service-server.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const PASSING: ReadinessCheck = { name: "postgres", required: true, check: async () => {} };

describe("refusals", () => {
  it("have exactly the fields of a problem, and problem+json as their type", async () => {
    const { app } = service();
    const answer = await request(app).get("/v1/things/refused").expect(409);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["retry-after"]).toBe("7");
    expect(answer.body).toEqual({
      type: "urn:keelson:problem:NAME_TAKEN",
      title: "Name taken",
      status: 409,
      detail: "There is another one.",
      code: "NAME_TAKEN",
      requestId: answer.headers["x-request-id"],
    });
  });

  it("list what is wrong with a request by JSON Pointer, a hundred of them at most", async () => {
    const { app } = service();
    const answer = await request(app).get("/v1/things/invalid").expect(400);
    expect(answer.body).toMatchObject({ code: "INVALID_REQUEST" });
    expect(answer.body.errors).toHaveLength(100);
    expect(answer.body.errors[0]).toEqual({
      path: "/a~1b/0",
      code: "INVALID_TYPE",
      message: 'a/b.0 must be a number, but is "x".',
    });
  });

  it.each(["/v1/things/throws", "/v1/things/rejects"])("never show what nobody foresaw: %s", async (path) => {
    const { app, lines } = service();
    const answer = await request(app).get(path).expect(500);
    expect(answer.body).toMatchObject({ code: "INTERNAL", status: 500 });
    expect(answer.text).not.toMatch(/swordfish|\.ts|at /);
    const logged = lines().find((line) => line.msg === "http.failed");
    expect(logged).toMatchObject({ level: "error", request_id: answer.body.requestId, err: { message: "swordfish" } });
  });

  it("say 503 with Retry-After where PostgreSQL cannot be reached", async () => {
    const { app } = service();
    const answer = await request(app).get("/v1/things/no-database").expect(503);
    expect(answer.body.code).toBe("UNAVAILABLE");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(answer.text).not.toContain("10.0.0.9");
  });

  it("meet a request without a host, which HTTP/1.1 asks for", async () => {
    const server = createServiceServer({ app: service().app, port: 0, bindAddress: "127.0.0.1" });
    const { port } = await server.listen();
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /plain HTTP/1.1\r\nconnection: close\r\n\r\n");
    const received = await text(socket);
    await server.drain(AbortSignal.abort());
    expect(received).toMatch(/^HTTP\/1\.1 400 /);
    expect(received).toContain('"code":"MALFORMED_HTTP"');
  });

  it("cut off an answer that has begun, so that nobody takes it for a whole one", async () => {
    const { app } = service();
    await expect(request(app).get("/v1/things/half")).rejects.toThrow(/aborted|hang up/);
  });
});

describe("routes", () => {
  it.each(["/", "/v1", "/v1/nothing", "/v1/THINGS/1", "/v1/things/1/more", "/constructor"])(
    "%s is 404",
    async (path) => {
      const answer = await request(service().app).get(path).expect(404);
      expect(answer.body.code).toBe("NOT_FOUND");
    },
  );

  it.each([
    ["patch", "/v1/things/1", "DELETE, GET, HEAD, PUT"],
    ["get", "/v1/things/1/start", "POST"],
    ["patch", "/v1/things/special", "DELETE, GET, HEAD, POST, PUT"],
    ["post", "/plain", "GET, HEAD"],
    ["put", "/healthz", "GET, HEAD"],
  ] as const)("%s %s is 405 with Allow: %s", async (method, path, allow) => {
    const { app } = service();
    const answer = await request(app)[method](path).expect(405);
    expect(answer.headers["allow"]).toBe(allow);
    expect(answer.body.code).toBe("METHOD_NOT_ALLOWED");
  });

  it("refuse a path that is not well encoded with 400", async () => {
    const answer = await request(service().app).get("/v1/things/%zz").expect(400);
    expect(answer.body.code).toBe("INVALID_REQUEST");
  });

  it("send safe headers, and neither an ETag nor the framework's name", async () => {
    const { headers } = await request(service().app).get("/plain").expect(200);
    expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "x-frame-options": "SAMEORIGIN" });
    expect(headers).not.toHaveProperty("x-powered-by");
    expect(headers).not.toHaveProperty("etag");
  });
});

describe("request ids", () => {
  it("are the caller's where sane, and new ones else", async () => {
    const { app } = service();
    const idFor = async (id: string) =>
      (await request(app).get("/plain").set("x-request-id", id)).headers["x-request-id"];
    expect(await idFor("req_1.a:b-c")).toBe("req_1.a:b-c");
    for (const strange of ["", " ", "a b", "x".repeat(129), '{"a":1}', "-x", "é"]) {
      expect(await idFor(strange)).toMatch(UUID_V7);
    }
  });
});

describe("the request log", () => {
  it("has one line a request, with the route as declared and the handler's fields, but no path, query or header", async () => {
    const { app, lines } = service();
    await request(app).put("/v1/things/secret-id?token=hush").set("authorization", "Bearer xyz").expect(200);
    const logged = lines().filter((line) => line.msg === "http.request");
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({
      service: "test",
      level: "info",
      method: "PUT",
      route: "/v1/things/:id",
      status: 200,
      outcome: "answered",
      tenant_id: "t-1",
      request_id: expect.stringMatching(UUID_V7),
      duration_ms: expect.any(Number),
    });
    expect(JSON.stringify(lines())).not.toMatch(/secret-id|hush|xyz/);
  });

  it("keeps the route and the code of a refused request", async () => {
    const { app, lines } = service();
    await request(app).get("/v1/things/refused");
    expect(lines().find((line) => line.msg === "http.request")).toMatchObject({
      route: "/v1/things/refused",
      code: "NAME_TAKEN",
    });
  });
});

describe("metrics", () => {
  it("hold the process's defaults and requests by route as declared, so that strangers add no series", async () => {
    const { app } = service();
    await request(app).put("/v1/things/1");
    await request(app).get("/a-strange-path");
    const { text } = await request(app)
      .get("/metrics")
      .expect(200)
      .expect("content-type", /^text\/plain/);
    expect(text).toMatch(/process_cpu_seconds_total\{service="test"\}/);
    expect(text).toMatch(
      /keelson_http_request_seconds_count\{service="test",method="PUT",route="\/v1\/things\/:id",status="200"/,
    );
    expect(text).toContain('method="unknown",route="none",status="404"');
    expect(text).not.toContain("a-strange-path");
  });
});

describe("health", () => {
  const redisDown: ReadinessCheck = { name: "redis", required: false, check: () => Promise.reject(new Error("down")) };

  it("is ready without what is not required, and says so", async () => {
    const { app } = service({ checks: [PASSING, redisDown] });
    const answer = await request(app).get("/readyz").expect(200);
    expect(answer.body).toEqual({
      status: "ready",
      checks: { postgres: { ok: true, required: true }, redis: { ok: false, required: false } },
    });
  });

  it("is unready without what is required, but alive", async () => {
    const { app } = service({ checks: [{ ...redisDown, name: "postgres", required: true }] });
    const answer = await request(app).get("/readyz").expect(503);
    expect(answer.body).toMatchObject({ status: "not_ready", checks: { postgres: { ok: false } } });
    expect((await request(app).get("/healthz")).body).toEqual({ status: "alive" });
  });

  it("is unready when a required check does not answer within its time", async () => {
    const { app } = service({ checks: [{ ...PASSING, check: () => new Promise(() => {}) }] });
    const answer = await request(app).get("/readyz").expect(503);
    expect(answer.body.status).toBe("not_ready");
  });

  it("turns unready as soon as the service is stopping", async () => {
    const stopping = new AbortController();
    const { app } = service({ stopping: stopping.signal });
    await request(app).get("/readyz").expect(200);
    stopping.abort();
    const answer = await request(app).get("/readyz").expect(503);
    expect(answer.body.status).toBe("stopping");
  });

  it("runs the checks once for probes that come together", async () => {
    let runs = 0;
    const { promise: bothArrived, resolve } = Promise.withResolvers<void>();
    const { app } = service({ checks: [{ ...PASSING, check: () => (runs++, bothArrived) }] });
    const server = app.listen(0);
    try {
      let arrived = 0;
      server.on("request", () => ++arrived === 2 && setImmediate(resolve));
      await Promise.all([request(server).get("/readyz").expect(200), request(server).get("/readyz").expect(200)]);
      expect(runs).toBe(1);
    } finally {
      server.close();
    }
  });
});

function service(options: { checks?: readonly ReadinessCheck[]; stopping?: AbortSignal } = {}) {
  const written: string[] = [];
  const destination = { write: (line: string) => void written.push(line) };
  const app = createServiceApp({
    log: createLogger({ service: "test", level: "info", destination }),
    metrics: createMetrics({ service: "test" }),
    checks: options.checks ?? [PASSING],
    stopping: options.stopping ?? new AbortController().signal,
    routes: (app) => {
      app.get("/plain", (_req, res) => void res.json({ ok: true }));
      app.use("/v1/things", things());
    },
  });
  const lines = (): Record<string, unknown>[] => written.map((line) => JSON.parse(line));
  return { app, lines };
}

function things(): Router {
  const router = Router({ caseSensitive: true });
  router.get("/refused", () => {
    throw new AppError("NAME_TAKEN", { detail: "There is another one.", headers: { "retry-after": "7" } });
  });
  router.get("/invalid", () => {
    parseRequest(z.object({ "a/b": z.array(z.number()) }), { "a/b": Array<string>(200).fill("x") });
  });
  router.get("/throws", () => {
    throw new Error("swordfish");
  });
  router.get("/rejects", () => Promise.reject(new Error("swordfish")));
  router.get("/no-database", () => {
    throw Object.assign(new Error("connect ECONNREFUSED 10.0.0.9:5432"), { code: "ECONNREFUSED" });
  });
  router.get("/half", (_req, res) => {
    res.setHeader("content-length", "100");
    res.write("half");
    throw new Error("swordfish");
  });
  router.post("/special", (_req, res) => void res.end());
  router.get("/:id", (_req, res) => void res.end());
  router.put("/:id", (_req, res) => {
    addLogFields(res, { tenant_id: "t-1" });
    res.end();
  });
  router.delete("/:id", (_req, res) => void res.end());
  router.post("/:id/start", (_req, res) => void res.end());
  return router;
}
