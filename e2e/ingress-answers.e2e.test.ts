// What the ingress answers is what the OpenAPI document says: each status, code, header and body, of hooks and of receipts.
import { createHmac } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "@keelson/contracts";
import { compileInputSchema } from "@keelson/dag";
import { secretValue } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";

let engine: Engine;
let tenant: Tenant;
let document: JsonObject;
/** `POST 202`, `GET NOT_FOUND`: what was answered, and held against the document. */
const answered = new Set<string>();

beforeAll(async () => {
  engine = await startEngine({ counts: { worker: 0 } });
  tenant = await engine.tenant();
  document = objectOf(await (await fetch(`${engine.stack.urls.api}/openapi.json`)).json());
});
afterAll(() => engine.stop());

type Call = { readonly path: "/hooks/{hookId}" | "/receipts/{token}"; readonly method: "post" | "get" };
const HOOK: Call = { path: "/hooks/{hookId}", method: "post" };
const RECEIPT: Call = { path: "/receipts/{token}", method: "get" };

/** The answer's status or code, once all of it is as the document declares for the call. */
async function judge(call: Call, response: Response): Promise<string> {
  const body = (await response.json()) as Json;
  const { status, headers } = response;
  const declared = objectOf(resolve(at(document, ["paths", call.path, call.method, "responses", String(status)])));
  const type = (headers.get("content-type") ?? "").split(";")[0] ?? "";
  const schema = at(declared, ["content", type, "schema"]);
  expect(schema, `${call.path} ${status} ${type} ${JSON.stringify(body)}`).toBeDefined();
  expect(faultsOf(schema, body), `${call.path} ${JSON.stringify(body)}`).toEqual([]);
  const headerFaults = Object.entries(objectOf(at(declared, ["headers"]))).flatMap(([name, ref]): unknown[] => {
    const header = objectOf(resolve(ref));
    const value = headers.get(name);
    if (value === null) return header["required"] === true ? [`no ${name}`] : [];
    const isNumber = at(header, ["schema", "type"]) === "integer";
    return [...faultsOf(header["schema"], isNumber ? Number(value) : value)];
  });
  expect(headerFaults, `${call.path} ${status}`).toEqual([]);
  const verdict = status < 400 ? String(status) : JSON.stringify(objectOf(body)["code"]).slice(1, -1);
  answered.add(`${call.method} ${verdict}`);
  return verdict;
}

/** The schema with the document's components beside it, to which its references lead. */
function faultsOf(schema: unknown, value: Json): readonly object[] {
  return compileInputSchema({ ...objectOf(schema), components: { schemas: reachable(schema) } })(value);
}

function reachable(schema: unknown, found: Record<string, Json> = {}): Record<string, Json> {
  for (const [, name = ""] of JSON.stringify(schema).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    if (name in found) continue;
    found[name] = at(document, ["components", "schemas", name]) ?? {};
    reachable(found[name], found);
  }
  return found;
}

function resolve(value: Json | undefined): Json | undefined {
  const ref = isJsonObject(value) ? value["$ref"] : undefined;
  return typeof ref === "string" ? at(document, ref.slice(2).split("/")) : value;
}

function at(value: Json | undefined, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>((part, key) => (isJsonObject(part) ? part[key] : undefined), value);
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

/** Signed as GitHub does, which needs no library. */
async function hook(name: string, more: object = {}, signature: object = GITHUB): Promise<string> {
  return tenant.save({ ...OF_ONE_STEP, name, triggers: [{ ...HOOK_TRIGGER, signature }], ...more });
}
const KEY = secretValue("producer");
const GITHUB = { scheme: "github", secrets: ["KEY"] };
const OF_ONE_STEP = { steps: [{ id: "a", type: "transform", config: { output: null } }] };

const post = (url: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-hub-signature-256": `sha256=${createHmac("sha256", KEY).update(body).digest("hex")}`,
      ...headers,
    },
    body,
  });

it("of a hook, taken and refused", async () => {
  await tenant.call("PUT", "/v1/secrets/KEY", { value: KEY });
  const plain = await hook("plain", { inputSchema: { type: "object" } });
  expect(await judge(HOOK, await post(plain, "{}", { "x-github-delivery": "1" }))).toBe("202");
  expect(await judge(HOOK, await post(plain, "{}", { "x-github-delivery": "1" }))).toBe("202");
  expect(await judge(HOOK, await post(plain, "{"))).toBe("MALFORMED_BODY");
  expect(await judge(HOOK, await post(plain, "[]"))).toBe("INPUT_INVALID");
  expect(await judge(HOOK, await post(plain, "{}", { "x-hub-signature-256": "sha256=00" }))).toBe("SIGNATURE_INVALID");
  expect(await judge(HOOK, await post(plain, "{}", { "content-type": "image/png" }))).toBe("UNSUPPORTED_MEDIA_TYPE");
  expect(await judge(HOOK, await post(plain, "x".repeat(1024 * 1024 + 1)))).toBe("PAYLOAD_TOO_LARGE");
  expect(await judge(HOOK, await post(plain.replace(/[^/]+$/, tenant.id), "{}"))).toBe("NOT_FOUND");
  expect(await judge(HOOK, await fetch(plain))).toBe("METHOD_NOT_ALLOWED");
});

it("of Slack's check of the address", async () => {
  const slack = await hook("slack", {}, { scheme: "slack", secrets: ["KEY"] });
  const body = JSON.stringify({ type: "url_verification", challenge: "c" });
  const seconds = String(Math.floor(Date.now() / 1000));
  const digest = createHmac("sha256", KEY).update(`v0:${seconds}:${body}`).digest("hex");
  const signed = { "x-slack-request-timestamp": seconds, "x-slack-signature": `v0=${digest}` };
  expect(await judge(HOOK, await post(slack, body, signed))).toBe("200");
});

it("of a hook that takes no more, and of one that is gone", async () => {
  const limited = await hook("limited");
  expect(await judge(HOOK, await post(limited, "{}"))).toBe("202");
  await setLimits(tenant, { unfinishedExecutions: 1 });
  expect(await judge(HOOK, await post(limited, "{}"))).toBe("TOO_MANY_UNFINISHED");
  await setLimits(tenant, { webhookPerMinute: 1 });
  expect(await judge(HOOK, await post(limited, "{}"))).toBe("RATE_LIMITED");
  await setLimits(tenant, {});
  expect((await tenant.call("DELETE", "/v1/workflows/limited")).status).toBe(204);
  expect(await judge(HOOK, await post(limited, "{}"))).toBe("HOOK_GONE");
});

it("of a receipt", async () => {
  const accepted = await post(await hook("asked"), "{}");
  const { deliveryId, statusUrl } = (await accepted.json()) as { deliveryId: string; statusUrl: string };
  expect(await judge(RECEIPT, await fetch(statusUrl))).toBe("200");
  expect(await judge(RECEIPT, await fetch(`${statusUrl}A`))).toBe("NOT_FOUND");
  expect(await judge(RECEIPT, await fetch(statusUrl, { method: "POST" }))).toBe("METHOD_NOT_ALLOWED");
  await engine.query("delete from keelson.deliveries where id = $1", [deliveryId]);
  expect(await judge(RECEIPT, await fetch(statusUrl))).toBe("RECEIPT_GONE");
});

it("is every code that the document has, but for those of faults", () => {
  const faults = ["INTERNAL", "UNAVAILABLE", "MALFORMED_HTTP", "INVALID_REQUEST"];
  // It takes hundreds of requests to be refused a receipt.
  for (const { path, method, left } of [
    { ...HOOK, left: faults },
    { ...RECEIPT, left: [...faults, "RATE_LIMITED"] },
  ]) {
    const responses = Object.entries(objectOf(at(document, ["paths", path, method, "responses"])));
    const declared = responses.flatMap(([status, response]) => {
      const examples = at(resolve(response), ["content", "application/problem+json", "examples"]);
      return examples === undefined ? [status] : Object.keys(objectOf(examples));
    });
    const seen = [...answered].filter((one) => one.startsWith(method)).map((one) => one.split(" ")[1]);
    expect(new Set(seen)).toEqual(new Set(declared.filter((code) => !left.includes(code))));
  }
});

/** The tenant's limits: these, and else enough. */
async function setLimits({ id }: Tenant, limits: object): Promise<void> {
  const answer = await fetch(`${engine.stack.urls.api}/v1/tenants/${id}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${engine.stack.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify({
      limits: { apiPerMinute: 1_000_000, webhookPerMinute: 1_000_000, unfinishedExecutions: 10_000, ...limits },
    }),
  });
  expect(answer.status).toBe(200);
}
