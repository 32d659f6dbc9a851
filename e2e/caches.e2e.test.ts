// A change made through one instance is in force on every instance of every service, with two of each. How long it took is
// printed, and asserted of nothing: with Redis there it is a message, without it a short life.
import {
  eventually,
  freePort,
  recordingTarget,
  type RecordingTarget,
  secretValue,
  webhookSecret,
} from "@keelson/testkit";
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { report } from "./support/faults.ts";

const TWO = { api: 2, ingress: 2, scheduler: 2, worker: 2 };
const ECHO = { id: "echo", type: "transform", config: { output: "{{ input }}" } };

describe.each(["with Redis", "without Redis"])("%s", (redis) => {
  let engine: Engine;
  let target: RecordingTarget;

  beforeAll(async () => {
    target = await recordingTarget();
    const away = redis === "without Redis" ? { redisUrl: `redis://127.0.0.1:${await freePort()}` } : {};
    engine = await startEngine({ counts: TWO, ...away });
  });
  afterAll(async () => {
    await engine.stop();
    await target.close();
  });

  /** Waits until a change is seen everywhere, and prints since when. */
  async function inForce(what: string, check: () => Promise<void>): Promise<void> {
    const sinceMs = performance.now();
    await eventually(check, { withinMs: 10_000 });
    report(`${redis}: ${what}`, sinceMs);
  }

  const newSecret = () => webhookSecret();

  /** A signed webhook at one instance of the ingress; its status, and the execution. */
  async function send(hook: string, instance: number, secret: string | null) {
    const url = `${engine.stack.instances.ingress[instance]?.url}${new URL(hook).pathname}`;
    const [id, at, body] = [`msg_${randomBytes(8).toString("hex")}`, new Date(), "{}"];
    const signed = {
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
      "webhook-signature": new Webhook(secret ?? newSecret()).sign(id, at, body),
    };
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...(secret === null ? {} : signed) },
      body,
    });
    const answer = (await response.json()) as { executionId?: string };
    return { status: response.status, executionId: answer.executionId ?? "" };
  }
  const statuses = async (hook: string, secret: string | null) =>
    Promise.all([0, 1].map(async (instance) => (await send(hook, instance, secret)).status));

  async function operator(method: string, path: string, body?: object): Promise<number> {
    const answer = await fetch(`${engine.stack.urls.api}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${engine.stack.adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.status;
  }

  async function withKey(key: string): Promise<number[]> {
    const call = async (instance: number) => {
      const url = `${engine.stack.instances.api[instance]?.url}/v1/me`;
      return (await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status;
    };
    return Promise.all([call(0), call(1)]);
  }

  const put = (tenant: Tenant, document: { readonly name: string; readonly [field: string]: unknown }) =>
    tenant.call<{ id: string; triggers: { url?: string }[] }>("PUT", `/v1/workflows/${document.name}`, document);

  it("an API key that is revoked, or expires, is refused by every instance", async () => {
    const tenant = await engine.tenant();
    const create = async (rest: object) =>
      (await tenant.call<{ id: string; key: string }>("POST", "/v1/api-keys", { name: "k", ...rest })).body;
    const revoked = await create({});
    expect(await withKey(revoked.key)).toEqual([200, 200]);
    await tenant.call("DELETE", `/v1/api-keys/${revoked.id}`);
    await inForce("key revoked", async () => expect(await withKey(revoked.key)).toEqual([401, 401]));

    const expiring = await create({ expiresAt: new Date(Date.now() + 3_000).toISOString() });
    expect(await withKey(expiring.key)).toEqual([200, 200]);
    await inForce("key expired, of 3,000 ms to live", async () => {
      expect(await withKey(expiring.key)).toEqual([401, 401]);
    });
  });

  it("a secret that is changed or removed holds for webhooks and for http steps", async () => {
    const tenant = await engine.tenant();
    const [first, second] = [newSecret(), newSecret()];
    const [firstToken, secondToken] = [secretValue("first"), secretValue("second")];
    await tenant.call("PUT", "/v1/secrets/HOOK", { value: first });
    await tenant.call("PUT", "/v1/secrets/TOKEN", { value: firstToken });
    const hook = await tenant.save({
      name: "secretive",
      triggers: [HOOK_TRIGGER],
      steps: [
        { id: "call", type: "http", config: { url: `${target.url}/s`, headers: { "x-token": "{{ secrets.TOKEN }}" } } },
      ],
    });
    const tokenOf = async (instance: number, secret: string) => {
      const { executionId } = await send(hook, instance, secret);
      const { status, error } = await ended(tenant, executionId);
      const sent = target.requests.findLast(({ headers }) =>
        String(headers["idempotency-key"]).startsWith(executionId),
      );
      return status === "succeeded" ? sent?.headers["x-token"] : error?.code;
    };
    expect(await statuses(hook, first)).toEqual([202, 202]);
    expect(await tokenOf(0, first)).toBe(firstToken);
    await tenant.call("PUT", "/v1/secrets/HOOK", { value: second }, 0);
    await inForce("webhook secret changed", async () => {
      expect([await statuses(hook, first), await statuses(hook, second)]).toEqual([
        [401, 401],
        [202, 202],
      ]);
    });
    await tenant.call("PUT", "/v1/secrets/TOKEN", { value: secondToken }, 1);
    await inForce("http step's secret changed", async () => {
      expect(await Promise.all([tokenOf(0, second), tokenOf(1, second)])).toEqual([secondToken, secondToken]);
    });
    await tenant.call("DELETE", "/v1/secrets/TOKEN", undefined, 1);
    await inForce("http step's secret removed", async () => {
      expect(await tokenOf(0, second)).toBe("SECRET_MISSING");
    });
    await tenant.call("DELETE", "/v1/secrets/HOOK", undefined, 1);
    await inForce("webhook secret removed", async () => expect(await statuses(hook, second)).toEqual([401, 401]));
  });

  it("a workflow that is saved, renamed, paused, signed otherwise or archived is so for hooks, starts and children", async () => {
    const tenant = await engine.tenant();
    const secret = newSecret();
    await tenant.call("PUT", "/v1/secrets/HOOK", { value: secret });
    const child = (version: number) => ({
      name: "child",
      steps: [{ id: "say", type: "transform", config: { output: version } }],
    });
    const parent = {
      name: "parent",
      triggers: [HOOK_TRIGGER],
      steps: [{ id: "sub", type: "subworkflow", config: { workflow: "child" } }],
    };
    const saved = await put(tenant, child(1));
    const url = (await put(tenant, parent)).body.triggers[0]?.url ?? "";
    const said = async () => {
      const runs = await Promise.all([0, 1, 0, 1].map((instance) => send(url, instance, secret)));
      const ends = await Promise.all(runs.map(({ executionId }) => ended(tenant, executionId)));
      return ends.map(({ output, error }) => (output as { sub: { say: number } } | null)?.sub.say ?? error?.code);
    };
    expect(await said()).toEqual([1, 1, 1, 1]);
    await put(tenant, child(2));
    await inForce("child saved", async () => expect(await said()).toEqual([2, 2, 2, 2]));
    await tenant.call("PUT", `/v1/workflows/${saved.body.id}`, { ...child(2), name: "renamed" });
    const refused = ["CHILD_REFUSED", "CHILD_REFUSED", "CHILD_REFUSED", "CHILD_REFUSED"];
    await inForce("child renamed", async () => expect(await said()).toEqual(refused));

    await put(tenant, { ...parent, steps: [ECHO] });
    await inForce("workflow saved", async () => {
      const { executionId } = await send(url, 1, secret);
      expect((await ended(tenant, executionId)).steps.map(({ id }) => id)).toEqual(["echo"]);
    });
    await tenant.call("POST", "/v1/workflows/parent/pause");
    await inForce("workflow paused", async () => {
      const { executionId } = await send(url, 1, secret);
      const rows = await engine.query<{ held: boolean }>("select held from keelson.executions where id = $1", [
        executionId,
      ]);
      expect(rows).toEqual([{ held: true }]);
    });
    await tenant.call("POST", "/v1/workflows/parent/resume");
    const open = { ...HOOK_TRIGGER, signature: { scheme: "none" } };
    await put(tenant, { ...parent, triggers: [open], steps: [ECHO] });
    await inForce("signature given up", async () => expect(await statuses(url, null)).toEqual([202, 202]));
    await put(tenant, { ...parent, steps: [ECHO] });
    await inForce("signature asked for", async () => expect(await statuses(url, null)).toEqual([401, 401]));
    await tenant.call("DELETE", "/v1/workflows/parent", undefined, 1);
    await inForce("workflow archived", async () => expect(await statuses(url, secret)).toEqual([410, 410]));
  });

  it("a tenant's limits, and its deletion, hold for the API and for webhooks", async () => {
    const tenant = await engine.tenant();
    const secret = newSecret();
    await tenant.call("PUT", "/v1/secrets/HOOK", { value: secret });
    const url = await tenant.save({ name: "limited", triggers: [HOOK_TRIGGER], steps: [ECHO] });
    await tenant.call("POST", "/v1/workflows/limited/pause");
    expect(await statuses(url, secret)).toEqual([202, 202]);
    const starts = async () =>
      Promise.all(
        [0, 1].map(async (api) => (await tenant.call("POST", "/v1/workflows/limited/executions", {}, api)).status),
      );
    expect(await starts()).toEqual([202, 202]);
    expect(await operator("PATCH", `/v1/tenants/${tenant.id}`, { limits: { unfinishedExecutions: 1 } })).toBe(200);
    await inForce("limit lowered", async () => {
      expect([await starts(), await statuses(url, secret)]).toEqual([
        [429, 429],
        [429, 429],
      ]);
    });
    expect(await operator("DELETE", `/v1/tenants/${tenant.id}`)).toBe(204);
    await inForce("tenant deleted", async () => {
      expect([await starts(), await statuses(url, secret)]).toEqual([
        [401, 401],
        [404, 404],
      ]);
    });
  });
});
