import { transformStep, workflowOf } from "@keelson/testkit";
import request from "supertest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROUTES } from "../src/routes/all.ts";
import { withIds } from "./support/paths.ts";
import { type World, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe("paths and methods", () => {
  it.each(["/", "/v1", "/v2/workflows", "/v1/nothing", "/v1/Workflows", "/v1/workflows/a/b/c"])(
    "%s is 404",
    async (path) => {
      expect((await world.a.get(path).expect(404)).body.code).toBe("NOT_FOUND");
    },
  );

  it.each([
    ["delete", "/v1/workflows", "GET, HEAD, POST"],
    ["patch", "/v1/workflows/some", "DELETE, GET, HEAD, PUT"],
    ["put", "/v1/api-keys", "GET, HEAD, POST"],
    ["get", "/v1/executions/0192aaaa-0000-7000-8000-000000000001/cancel", "POST"],
    ["post", "/v1/secrets/NAME", "DELETE, PUT"],
  ] as const)("%s %s is 405 with Allow: %s", async (method, path, allow) => {
    const answer = await world.a.call(method, path).expect(405);
    expect(answer.headers["allow"]).toBe(allow);
    expect(answer.body.code).toBe("METHOD_NOT_ALLOWED");
  });

  it.each([
    "/v1/executions/1",
    "/v1/executions/0192AAAA-0000-7000-8000-000000000001",
    "/v1/workflows/Not-A-Name",
    "/v1/workflows/some/versions/0",
    "/v1/workflows/some/versions/x",
    "/v1/workflows/some/versions/99999999999999999999",
  ])("a malformed id is 404: %s", async (path) => {
    expect((await world.a.get(path).expect(404)).body.code).toBe("NOT_FOUND");
  });
});

describe("refusals of what is not in the body name the place, the rule and the value seen", () => {
  it("of a path that no service has", async () => {
    expect((await world.a.get("/v1/nothing").expect(404)).body.detail).toBe('This service has no path "/v1/nothing".');
  });

  it.each([
    ["/v1/secrets/pay-token", "path:name", /must be 1 to 63 letters.*"pay-token"/],
    ["/v1/workflows/Bad_Name", "path:ref", /must be 1 to 63 lower-case letters.*"Bad_Name"/],
  ])("of a name that a PUT would create: %s", async (path, place, message) => {
    const { body } = await world.a.put(path, { value: "x" }).expect(400);
    expect(body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ path: place }] });
    expect(body.errors[0].message).toMatch(message);
  });

  it("of a time whose + was not encoded", async () => {
    const { body } = await world.a.get("/v1/executions?since=2026-01-31T09:30:00+01:00").expect(400);
    expect(body.errors[0].message).toContain("Write its + as %2B.");
  });

  it("of the operator's token where an API key belongs", async () => {
    const { body } = await world.operator.get("/v1/workflows").expect(401);
    expect(body.detail).toBe("This is the operator's token, but this call takes a tenant's API key.");
  });

  it("of a body that breaks a rule of several fields, without an echo of the whole", async () => {
    const { body } = await world.a.post("/v1/bulk-actions", { action: "retry" }).expect(400);
    expect(body.errors[0].message).toMatch(/empty filter is everything\.$/);
  });
});

describe("query parameters", () => {
  it.each(ROUTES.filter((route) => route.method === "get").map((route) => [route.path, route.access] as const))(
    "that a call does not have are 400: %s",
    async (path, access) => {
      const client = access === "operator" ? world.operator : world.a;
      const place = withIds(path);
      const answer = await client.get(`${place}?nonsense=1`).expect(400);
      expect(answer.body).toMatchObject({
        code: "INVALID_REQUEST",
        errors: [{ path: "?nonsense", code: "UNKNOWN_PARAMETER" }],
      });
    },
  );

  it.each([
    "limit=0",
    "limit=101",
    "limit=x",
    "limit=",
    "limit=1.5",
    "limit=-1",
    "limit=1&limit=2",
    "cursor=x",
    "cursor=",
    "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "__proto__=1",
  ])("%s is 400", async (query) => {
    const answer = await world.a.get(`/v1/workflows?${query}`).expect(400);
    expect(answer.body).toMatchObject({ code: "INVALID_REQUEST", errors: [{ path: `?${query.split("=")[0]}` }] });
  });
});

describe("bodies", () => {
  const send = (body: string, type = "application/json") =>
    request(world.app)
      .post("/v1/api-keys")
      .set("authorization", `Bearer ${world.a.key}`)
      .set("content-type", type)
      .send(body);

  it.each([
    ["{", "MALFORMED_JSON"],
    ['{"name":"x","name":"y"}', "MALFORMED_JSON"],
    ['{"__proto__":{}}', "MALFORMED_JSON"],
    ["nul", "MALFORMED_JSON"],
    ['{"name":"\\u0000"}', "MALFORMED_JSON"],
    [`${"[".repeat(500)}${"]".repeat(500)}`, "MALFORMED_JSON"],
    ['"name"', "INVALID_REQUEST"],
    ["null", "INVALID_REQUEST"],
    ["", "INVALID_REQUEST"],
    ['{"name":"x","more":1}', "INVALID_REQUEST"],
    ['{"name":"a\\nb"}', "INVALID_REQUEST"],
    ['{"name":" "}', "INVALID_REQUEST"],
  ])("%s is 400", async (body, code) => {
    const answer = await send(body).expect(400);
    expect(answer.body.code).toBe(code);
  });

  it("of another type are 415, too large ones 413", async () => {
    expect((await send("name=x", "application/x-www-form-urlencoded").expect(415)).body.code).toBe(
      "UNSUPPORTED_MEDIA_TYPE",
    );
    expect((await send(JSON.stringify({ name: "x".repeat(70_000) })).expect(413)).body.code).toBe("PAYLOAD_TOO_LARGE");
    const large = workflowOf([transformStep("one", "x".repeat(256 * 1024))]);
    expect((await world.a.post("/v1/workflows", large).expect(413)).body.code).toBe("PAYLOAD_TOO_LARGE");
  });

  it("are not taken where there is nothing to say", async () => {
    const path = "/v1/executions/0192aaaa-0000-7000-8000-000000000001/cancel";
    expect((await world.a.post(path, { now: true }).expect(400)).body.code).toBe("INVALID_REQUEST");
    expect((await world.a.post(path, {}).expect(404)).body.code).toBe("NOT_FOUND");
  });
});

describe("lists", () => {
  it("have 20 items unless `limit` says otherwise", async () => {
    const tenant = await world.tenant();
    const names = Array.from({ length: 21 }, (_, n) => `S${n}`);
    for (const name of names) await tenant.put(`/v1/secrets/${name}`, { value: "x" }).expect(204);
    const page = (await tenant.get("/v1/secrets").expect(200)).body;
    expect(page).toMatchObject({ items: { length: 20 }, nextCursor: expect.any(String) });
    const whole = (await tenant.get("/v1/secrets?limit=100").expect(200)).body;
    expect(whole).toMatchObject({ items: { length: 21 }, nextCursor: null });
  });

  it("walk newest first, each item once, and refuse another list's, tenant's or filter's cursor", async () => {
    const tenant = await world.tenant();
    const names: string[] = [];
    for (let n = 0; n < 5; n++) names.unshift(await tenant.save(workflowOf([transformStep("one", n)])));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? "?limit=2" : `?limit=2&cursor=${cursor}`;
      const { body } = await tenant.get(`/v1/workflows${query}`).expect(200);
      seen.push(...body.items.map((item: { name: string }) => item.name));
      cursor = body.nextCursor;
      // Newer ones do not disturb a walk that has begun.
      await tenant.save(workflowOf([transformStep("one", 1)]));
    } while (cursor !== null);
    expect(seen).toEqual(names);

    const { body } = await tenant.get("/v1/workflows?limit=1").expect(200);
    const tail = `cursor=${body.nextCursor}`;
    await tenant.get(`/v1/workflows?limit=3&${tail}`).expect(200);
    await tenant.get(`/v1/workflows?status=active&${tail}`).expect(400);
    await tenant.get(`/v1/secrets?${tail}`).expect(400);
    await world.b.get(`/v1/workflows?${tail}`).expect(400);
  });
});
