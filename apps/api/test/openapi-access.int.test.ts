// Who may make which call: for every operation of the document, whatever is added to it.

import { type JsonObject, SCOPES, isJsonObject } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPERATIONS, type Operation } from "./support/documented.ts";
import { documentOf } from "./support/documents.ts";
import { type Client, type World, clientOf, createWorld } from "./support/world.ts";

const NOBODY = "0192aaaa-0000-7000-8000-000000000001";
let world: World;
let scoped: Record<string, Client>;
beforeAll(async () => {
  world = await createWorld();
  const clients = await Promise.all(SCOPES.map((scope) => world.a.withScopes([scope])));
  scoped = Object.fromEntries(SCOPES.map((scope, index) => [scope, clients[index] as Client]));
});
afterAll(() => world.close());

const securityOf = ({ spec }: Operation): readonly JsonObject[] =>
  Array.isArray(spec["security"]) ? spec["security"].filter(isJsonObject) : [];
const scopeOf = (operation: Operation): string | null => {
  const [scheme] = securityOf(operation);
  return Array.isArray(scheme?.["apiKey"]) && typeof scheme["apiKey"][0] === "string" ? scheme["apiKey"][0] : null;
};
const isOperators = (operation: Operation) => securityOf(operation).every((one) => one["operatorToken"] !== undefined);
const named = (operations: readonly Operation[]) =>
  operations.map((operation) => [operation.operationId, operation] as const);
const pathOf = ({ path }: Operation, values: Readonly<Record<string, string>> = {}) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? PLACES[name] ?? NOBODY);
const PLACES: Readonly<Record<string, string>> = { name: "NAME", n: "1", stepId: "one" };
const send = (client: Client, operation: Operation, path = pathOf(operation)) =>
  client.call(operation.method as "get", path);

describe("a scope", () => {
  it.each(named(OPERATIONS.filter((operation) => scopeOf(operation) !== null)))(
    "stands alone for %s",
    async (_name, operation) => {
      const allowed = [];
      for (const scope of SCOPES) {
        const { body } = await send(scoped[scope] as Client, operation);
        if (body.code !== "FORBIDDEN_SCOPE") allowed.push(scope);
      }
      expect(allowed).toEqual([scopeOf(operation)]);
    },
  );
});

describe("a credential of another kind", () => {
  it.each(named(OPERATIONS.filter(isOperators)))("is 401 for the operator's %s", async (_name, operation) => {
    expect((await send(world.a, operation)).status).toBe(401);
  });

  it.each(named(OPERATIONS.filter((operation) => scopeOf(operation) !== null)))(
    "is 401 for a tenant's %s",
    async (_name, operation) => {
      expect((await send(world.operator, operation)).status).toBe(401);
    },
  );
});

describe("without a key that is good", () => {
  it.each(named(OPERATIONS.filter((operation) => securityOf(operation).length > 0)))(
    "%s is 401: none, a made-up one, one that has expired",
    async (_name, operation) => {
      const expired = await expiredKey();
      for (const key of ["", "kee_0123456789abcdefghijABCDEFGHIJ000000", expired]) {
        const { status, body } = await send(clientOf(world.app, world.a.tenantId, key), operation);
        expect([status, body.code]).toEqual([401, "UNAUTHENTICATED"]);
      }
    },
  );
});

/** A key of every scope whose time is over. */
let expiredOnce: Promise<string> | undefined;
function expiredKey(): Promise<string> {
  expiredOnce ??= (async () => {
    const doomed = await world.a.withScopes([...SCOPES]);
    // Before its first use: once it is known, it is remembered for some seconds.
    await world.admin.pool.query(
      `update keelson.api_keys set expires_at = now() - interval '1 s'
       where id = (select id from keelson.api_keys where tenant_id = $1 order by id desc limit 1)`,
      [world.a.tenantId],
    );
    return doomed.key;
  })();
  return expiredOnce;
}

it("a revoked key is 401 everywhere", async () => {
  const doomed = await world.b.withScopes(["read", "write", "trigger", "admin"]);
  const { body: me } = await doomed.get("/v1/me").expect(200);
  await world.b.delete(`/v1/api-keys/${me.apiKey.id}`).expect(204);
  for (const operation of OPERATIONS) {
    expect(`${operation.operationId} ${(await send(doomed, operation)).status}`).toBe(`${operation.operationId} 401`);
  }
});

const paths = Map.groupBy(OPERATIONS, ({ path }) => path);

describe("another method", () => {
  it.each([...paths])("of %s is 405, with the methods that there are", async (_path, operations) => {
    const [first] = operations as [Operation];
    const taken = operations.map(({ method }) => method);
    // A fixed path may lie where another one has a parameter.
    const place = pathOf(first);
    const others = (["get", "put", "post", "delete", "patch"] as const).filter((method) => !taken.includes(method));
    const refused = [];
    for (const method of others) {
      const answer = await world.a.call(method, place);
      if (answer.status !== 405) continue;
      refused.push(method);
      const allow = String(answer.headers["allow"]).split(", ");
      expect(allow).toEqual(expect.arrayContaining(taken.map((one) => one.toUpperCase())));
      expect(allow).not.toContain(method.toUpperCase());
    }
    expect(refused.length).toBeGreaterThan(0);
  });
});

describe("another tenant's ids", () => {
  it("are 404 for every call that has one in its path", async () => {
    const { a, b } = world;
    const triggers = [{ id: "nightly", type: "schedule", cron: "0 2 * * *" }];
    const { body: workflow } = await a.post("/v1/workflows", documentOf({ triggers })).expect(201);
    const { body: execution } = await a.post(`/v1/workflows/${workflow.id}/executions`).expect(202);
    const { body: key } = await a.post("/v1/api-keys", { name: "theirs" }).expect(201);
    const { body: bulk } = await a.post("/v1/bulk-actions", { action: "cancel", ids: [execution.id] }).expect(202);
    const ids: Readonly<Record<string, string>> = {
      "/v1/api-keys": key.id,
      "/v1/executions": execution.id,
      "/v1/schedules": workflow.triggers[0].scheduleId,
      "/v1/bulk-actions": bulk.id,
      "/v1/deliveries": NOBODY,
    };
    const addressed = OPERATIONS.filter(
      (operation) =>
        scopeOf(operation) !== null && operation.path.includes("{") && operation.operationId !== "putSecret",
    );
    for (const operation of addressed) {
      const [collection = ""] = operation.path.split("/{");
      const path = pathOf(operation, { ref: workflow.id, id: ids[collection] ?? NOBODY });
      const body = operation.operationId === "putWorkflow" ? documentOf() : undefined;
      const answer = await b.call(operation.method as "get", path, body);
      expect(`${operation.operationId} ${answer.status}`).toBe(`${operation.operationId} 404`);
    }
  });
});

describe("another tenant's lists", () => {
  it("hold nothing of this one's, nor does the secret of the same name change", async () => {
    const [mine, theirs] = [await world.tenant(), await world.tenant()];
    const { body: workflow } = await mine.post("/v1/workflows", documentOf({})).expect(201);
    const { body: execution } = await mine.post(`/v1/workflows/${workflow.id}/executions`).expect(202);
    await mine.put("/v1/secrets/NAME", { value: "mine-alone" });
    await mine.post("/v1/bulk-actions", { action: "cancel", ids: [execution.id] }).expect(202);
    const traces = [mine.tenantId, workflow.id, execution.id, "mine-alone"];
    const lists = OPERATIONS.filter(
      (operation) => operation.method === "get" && scopeOf(operation) !== null && !operation.path.includes("{"),
    );
    expect(lists.length).toBeGreaterThan(5);
    for (const operation of lists) {
      if (operation.operationId.toLowerCase().includes("follow")) continue;
      const { text } = await send(theirs, operation);
      for (const trace of traces) expect(`${operation.operationId}: ${text}`).not.toContain(trace);
    }
    await theirs.put("/v1/secrets/NAME", { value: "theirs" });
    const { rows } = await world.admin.pool.query("select tenant_id from keelson.secrets where name = 'NAME'");
    expect(rows.map((row) => row.tenant_id)).toEqual(expect.arrayContaining([mine.tenantId, theirs.tenantId]));
  });
});
