// Requests of all kinds, made from the document: whatever is sent, the answer is one that the document declares, never a
// 5xx, and every refusal is a problem with the request's id and nothing of the inside. fast-check prints the seed.

import { once } from "node:events";
import { type AddressInfo } from "node:net";
import { type IncomingMessage, Agent, createServer, request } from "node:http";
import { type Json, type JsonObject, isJsonObject } from "@keelson/contracts";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OPERATIONS, type Operation, faultsOf, objectAt, operationAt } from "./support/documented.ts";
import { documentOf } from "./support/documents.ts";
import { ADMIN_TOKEN, type World, createWorld } from "./support/world.ts";

const RUNS = 20;
const NOBODY = "0192aaaa-0000-7000-8000-000000000001";
/** What names something of the tenant, so that requests come further than a 404. */
const POOL: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 2 });
let world: World;
let server: ReturnType<typeof createServer>;

beforeAll(async () => {
  world = await createWorld();
  await world.operator.patch(`/v1/tenants/${world.a.tenantId}`, { limits: { apiPerMinute: 1_000_000 } }).expect(200);
  const triggers = [{ id: "nightly", type: "schedule", cron: "0 2 * * *" }];
  const { body: workflow } = await world.a.post("/v1/workflows", documentOf({ triggers })).expect(201);
  const { body: execution } = await world.a.post(`/v1/workflows/${workflow.id}/executions`).expect(202);
  POOL.push(workflow.id, workflow.name, execution.id, workflow.triggers[0].scheduleId, "one", "1", "NAME", NOBODY);
  server = createServer(world.app).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(async () => {
  agent.destroy();
  server.close();
  await world.close();
});

const TEXTS = [
  "",
  " ",
  "null",
  "undefined",
  "-1",
  "0",
  "1e400",
  "99999999999999999999",
  "0x10",
  "١٢",
  "NaN",
  "true",
  "[object Object]",
  "__proto__",
  "constructor",
  "toString",
  "' or 1=1 --",
  "%",
  "%%",
  "%00",
  "%zz",
  "%ff%fe",
  "%ed%a0%80",
  "..",
  "../../etc/passwd",
  "a,b,,",
  ",".repeat(60),
  "x".repeat(3_000),
  "\u202e",
  "é",
  "🙂",
  "2026-13-45T99:99:99Z",
  "9999-12-31T23:59:59.999999999Z",
  "-271821-04-20T00:00:00Z",
  "AAAA".repeat(40),
  "orderId:",
  ":",
  "a:\u0000",
  "{{ input }}",
];
const text = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);
const place = fc.oneof(
  { weight: 3, arbitrary: fc.nat().map((n) => POOL[n % POOL.length] ?? NOBODY) },
  { weight: 1, arbitrary: text },
);
const oddJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    "\u0000",
    "\ud800",
    1e308,
    -0,
    2 ** 53,
    [],
    {},
    [[[[]]]],
    { constructor: 1 },
    { a: { b: null } },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const RAW: readonly Buffer[] = [
  "",
  "{",
  "[1,",
  "nul",
  '{"a":1}{"b":2}',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{}}',
  '{"a":1e999}',
  '{"a":"\\u0000"}',
  '{"a":"\\ud800"}',
  `${"[".repeat(200)}${"]".repeat(200)}`,
  `{"a":"${"x".repeat(2_200_000)}"}`,
  "\ufeff{}",
  "a=b&c=d",
].map((raw) => Buffer.from(raw));
const rawBody = fc.constantFrom(
  ...RAW,
  Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
  Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
);
const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "application/json; charset=latin1",
  "text/plain",
  "application/xml",
  "",
  "json",
  "multipart/form-data; boundary=x",
];
const HEADERS = [
  "if-match",
  "idempotency-key",
  "last-event-id",
  "keelson-change-note",
  "x-request-id",
  "traceparent",
  "accept",
  "content-encoding",
];
/** What a header may hold at all. */
const headerText = text
  .map((value) => value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?").trim())
  .filter((value) => value !== "text/event-stream");

interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

function requestsOf(operation: Operation): fc.Arbitrary<Sent> {
  const parameters = Array.isArray(operation.spec["parameters"])
    ? operation.spec["parameters"].filter(isJsonObject)
    : [];
  // A long `wait` for what never ends would only make the test long.
  const names = parameters.flatMap(({ in: where, name }) =>
    where === "query" && typeof name === "string" && name !== "wait" ? [name] : [],
  );
  const query = fc.array(fc.tuple(fc.constantFrom(...names, "nonsense", "__proto__", "limit"), fc.oneof(text, place)), {
    maxLength: 3,
  });
  const odd = fc.dictionary(fc.constantFrom(...HEADERS), headerText, { maxKeys: 2, noNullPrototype: true });
  return fc.record({
    path: fc
      .tuple(fc.array(place, { minLength: 3, maxLength: 3 }), query)
      .map(([places, pairs]) => pathOf(operation.path, places) + queryOf(pairs)),
    headers: fc
      .tuple(
        odd,
        fc.oneof(
          { weight: 4, arbitrary: fc.constant("application/json") },
          { weight: 1, arbitrary: fc.constantFrom(...CONTENT_TYPES) },
        ),
      )
      .map(([headers, type]) => (type === "" ? headers : { ...headers, "content-type": type })),
    body: operation.method === "get" ? fc.constant(null) : bodyOf(operation),
  });
}

function bodyOf({ spec }: Operation): fc.Arbitrary<Buffer> {
  const example = objectAt(spec, ["requestBody", "content", "application/json", "examples", "example"])["value"] ?? {};
  const nearlyValid = fc
    .tuple(fc.nat(), oddJson, fc.constantFrom("replace", "remove", "add", "keep"))
    .map(([at, odd, how]) => Buffer.from(JSON.stringify(changed(example, at, odd, how)) ?? ""));
  return fc.oneof(
    { weight: 3, arbitrary: nearlyValid },
    { weight: 1, arbitrary: oddJson.map((odd) => Buffer.from(JSON.stringify(odd))) },
    { weight: 1, arbitrary: rawBody },
  );
}

/** The same value with one place changed, somewhere in it. */
function changed(value: Json, at: number, odd: unknown, how: string): unknown {
  if (how === "keep") return value;
  if (Array.isArray(value) && value.length > 0) {
    const index = at % value.length;
    return value.map((item: Json, n) => (n === index ? changed(item, Math.floor(at / value.length), odd, how) : item));
  }
  if (!isJsonObject(value)) return odd;
  const keys = Object.keys(value);
  if (how === "add" || keys.length === 0) return { ...value, [["nonsense", "toString", "id"][at % 3] as string]: odd };
  const key = keys[at % keys.length] as string;
  const { [key]: old = null, ...rest } = value;
  if (how === "remove") return rest;
  return { ...rest, [key]: at % 2 === 0 ? odd : changed(old, Math.floor(at / keys.length), odd, how) };
}

function pathOf(path: string, places: readonly string[]): string {
  let next = 0;
  return path.replaceAll(/\{\w+\}/g, () => {
    const value = places[next++] ?? NOBODY;
    // What is encoded badly is sent as it is.
    return /^[\w%.-]+$/.test(value) ? value : encodeURIComponent(value.toWellFormed());
  });
}

function queryOf(pairs: readonly (readonly [string, string])[]): string {
  const written = pairs.map(([name, value]) =>
    /^[\w%.,:-]*$/.test(value) ? `${name}=${value}` : `${name}=${encodeURIComponent(value.toWellFormed())}`,
  );
  return written.length === 0 ? "" : `?${written.join("&")}`;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

async function answerTo(operation: Operation, sent: Sent): Promise<Answered> {
  const { port } = server.address() as AddressInfo;
  const isOperators = JSON.stringify(operation.spec["security"]).startsWith('[{"operatorToken"');
  const authorization = `Bearer ${isOperators ? ADMIN_TOKEN : world.a.key}`;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const length = sent.body === null ? {} : { "content-length": sent.body.length };
  const options = { host: "127.0.0.1", port, agent, method: operation.method.toUpperCase(), path: sent.path };
  request({ ...options, headers: { ...sent.headers, ...length, authorization } }, resolve)
    .on("error", reject)
    .end(sent.body ?? undefined);
  const answer = await promise;
  const body = Buffer.concat(await answer.toArray()).toString();
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: body };
}

/** What no answer may be, whatever was asked. */
function flawsOf(operation: Operation, sent: Sent, { status, headers, text: answered }: Answered): string[] {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  const body: JsonObject | null = answered === "" ? null : JSON.parse(answered);
  const flaws: string[] = [];
  if (status >= 400) {
    if (type !== "application/problem+json") flaws.push(`a refusal of the type ${type}`);
    if (body?.["requestId"] !== headers["x-request-id"]) flaws.push("a refusal without the request's id");
    if (INSIDE.test(answered)) flaws.push(`something of the inside: ${answered}`);
  }
  // A place that is empty, or steps out of its path, makes another path of it.
  if (status === 404 || status === 405) return flaws;
  const asked = operationAt(operation.method, sent.path.replace(/\/(?=\?|$)/, "")) ?? operation;
  return [...flaws, ...faultsOf(asked, { status, headers, body, text: answered, type })];
}

/** Of stacks, sources and SQL. */
const INSIDE = /\n\s+at |node_modules|\.ts:\d|node:internal|select |insert into|keelson\.\w+\(/;

describe.each(OPERATIONS.map((operation) => [operation.operationId, operation] as const))("%s", (_name, operation) => {
  it("answers whatever it is sent as the document says", { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(requestsOf(operation), async (sent) => {
        const answer = await answerTo(operation, sent);
        expect(answer.status).toBeLessThan(500);
        expect(flawsOf(operation, sent, answer)).toEqual([]);
      }),
      { numRuns: RUNS, includeErrorInReport: true },
    );
  });
});
