// Processes that die at each moment which has a name, and workers that die while PostgreSQL carries out their commit: what
// was committed has happened, what was not is done again, and nobody can tell from the end.
import { eventually, recordingTarget, type RecordedRequest, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { holdCommits, installHolds, type PLACES } from "./support/held-commits.ts";
import { violations } from "./support/invariants.ts";
import { launch, type Launched } from "./support/launch.ts";

let engine: Engine;
let target: RecordingTarget;
let tenant: Tenant;
let other: Tenant;
let hook = "";
/** By key, of requests that are not answered before it resolves. */
const unanswered = new Map<string, PromiseWithResolvers<void>>();
/** While it is pending, no payment is answered. */
let payments: PromiseWithResolvers<void> | null = null;
const launched: Launched[] = [];

beforeAll(async () => {
  target = await recordingTarget(async (request) => {
    if (request.path === "/pay") await payments?.promise;
    await unanswered.get(keyOf(request))?.promise;
    return { status: 200, body: { ok: true } };
  });
  engine = await startEngine({ counts: { scheduler: 0, worker: 0 } });
  [tenant, other] = await Promise.all([engine.tenant(), engine.tenant()]);
  await saveWorkflows(other);
  hook = await saveWorkflows(tenant);
});
afterAll(async () => {
  for (const each of launched) await each.kill();
  await engine.stop();
  await target.close();
});

/** pay ──▶ pack, a child with a request of its own ──▶ wait ──▶ ship; started by anything. The hook's address. */
async function saveWorkflows(owner: Tenant): Promise<string> {
  const post = (id: string, rest: object = {}): object => ({
    id,
    type: "http",
    config: { method: "POST", url: `${target.url}/${id}`, body: { z: "{{ now() }}", a: [1, "é"] } },
    ...rest,
  });
  await owner.save({ name: "packing", steps: [post("work")] });
  return owner.save({
    name: "order",
    triggers: [HOOK_TRIGGER, { id: "yearly", type: "schedule", cron: "0 0 1 1 *" }],
    steps: [
      post("pay"),
      { id: "pack", type: "subworkflow", dependsOn: ["pay"], config: { workflow: "packing" } },
      { id: "wait", type: "delay", dependsOn: ["pack"], config: { for: "200ms" } },
      post("ship", { dependsOn: ["wait"] }),
    ],
  });
}

function keyOf(request: RecordedRequest): string {
  return request.headers["idempotency-key"] ?? "";
}

function requestsOf(key: string): readonly RecordedRequest[] {
  return target.requests.filter((request) => keyOf(request) === key);
}

/** A lease is long here: a death shows by its lock, and only that shall cut attempts off, however busy the machine. */
async function start(service: Launched["service"], failPoint: string | null): Promise<Launched> {
  const one = await launch(engine, service, failPoint, { LEASE_TTL: "10m" });
  launched.push(one);
  return one;
}

/** All executions of the tenants that nobody's step started. */
async function roots(): Promise<readonly { readonly id: string; readonly owner: Tenant }[]> {
  const rows = await engine.query<{ id: string; tenant_id: string }>(
    "select id, tenant_id from keelson.executions where parent_id is null",
  );
  return rows.map(({ id, tenant_id }) => ({ id, owner: tenant_id === tenant.id ? tenant : other }));
}

async function expectAllAsIfNothingHadBeen(): Promise<void> {
  const all = await roots();
  for (const { id, owner } of all) expect(await ended(owner, id)).toMatchObject({ id, status: "succeeded" });
  const byKey = Map.groupBy(target.requests, keyOf);
  for (const [key, requests] of byKey) {
    const bodies = new Set(requests.map((request) => request.body.toString("base64")));
    expect({ key, bodies: bodies.size }).toEqual({ key, bodies: 1 });
  }
  const keys = [...byKey.keys()].filter((key) => !key.endsWith(".work"));
  expect(new Set(keys)).toEqual(new Set(all.flatMap(({ id }) => [`${id}.pay`, `${id}.ship`])));
  expect(byKey.size).toBe(all.length * 3);
  expect(await violations(engine)).toEqual([]);
}

describe("a worker that dies at a fail point", () => {
  const started: { readonly id: string; readonly requests: number }[] = [];

  // Whoever stands still keeps what it has: the next worker has nothing to take but the next execution. The last three
  // leave something behind that others may take.
  it.each<[point: string, payThen: string | null, requestsThen: number, requestsInTheEnd: number]>([
    ["worker.claim.answered", null, 0, 1],
    ["worker.commit.sending", null, 0, 1],
    ["worker.commit.answered", "running", 0, 1],
    ["worker.effect.beginning", "running", 0, 1],
    ["worker.request.sent", "running", 1, 2],
    ["worker.response.headers", "running", 1, 2],
    ["worker.response.read", "running", 1, 2],
    ["worker.outcome.judged", "running", 1, 2],
    ["worker.commit.sending@2", "running", 1, 2],
    ["worker.commit.answered@2", "succeeded", 1, 1],
    ["worker.lease.renewed@6", "running", 1, 2],
    ["worker.children.committed", "succeeded", 1, 1],
    ["worker.mail.committed", "succeeded", 1, 1],
    ["worker.release.committed", "succeeded", 1, 1],
    ["worker.hint.received", null, 0, 1],
  ])("stands at %s with its first step %s and %d requests sent", async (point, payThen, requestsThen, requests) => {
    const id = await tenant.start("order");
    started.push({ id, requests });
    if (point.startsWith("worker.lease")) unanswered.set(`${id}.pay`, Promise.withResolvers());
    const worker = await start("worker", point);
    await worker.stands();
    const [pay] = await engine.query<{ status: string }>(
      "select status from keelson.step_runs where execution_id = $1 and step_id = 'pay'",
      [id],
    );
    expect(pay?.status ?? null).toBe(payThen);
    await eventually(() => expect(requestsOf(`${id}.pay`)).toHaveLength(requestsThen));
  });

  it("has cost nothing once it is killed, though two schedulers die in finding that out", async () => {
    for (const answer of unanswered.values()) answer.resolve();
    const reaper = await start("scheduler", "sweep.lost.freed");
    for (const worker of launched) if (worker !== reaper) await worker.kill();
    await reaper.stands();
    const sweeper = await start("scheduler", "sweep.due.found");
    await sweeper.stands();
    await Promise.all([reaper.kill(), sweeper.kill()]);
    await start("scheduler", null);
    await start("worker", null);
    await expectAllAsIfNothingHadBeen();
    const counts = started.map(({ id }) => ({ id, requests: requestsOf(`${id}.pay`).length }));
    expect(counts).toEqual(started);
  });
});

describe("a worker that dies while its commit is under way within PostgreSQL", () => {
  // The commit of the first request's outcome, in which the child is born. Two tenants' commits are two statements.
  it.each<[place: string, keyof typeof PLACES]>([
    ["as its transaction has begun", "begun"],
    ["behind the step runs' update", "stepUpdated"],
    ["behind the children's insert", "childrenUpdated"],
    ["before COMMIT", "beforeCommit"],
  ])("%s: what is committed is not repeated, what is rolled back is", async (_, place) => {
    if (place === "begun") await installHolds(engine);
    // Before they are started: a worker is at it at once.
    payments = Promise.withResolvers();
    const ids = [await tenant.start("order"), await other.start("order")];
    const keys = ids.map((id) => `${id}.pay`);
    await eventually(() => expect(keys.map((key) => requestsOf(key).length)).toEqual([1, 1]), { withinMs: 60_000 });
    const held = await holdCommits(engine, place, ids);
    try {
      payments.resolve();
      const [cutOff = 0] = await held.waiting(keys.length);
      await launched.at(-1)?.kill();
      await held.terminate(cutOff);
    } finally {
      await held.letGo();
    }
    await start("worker", null);
    await expectAllAsIfNothingHadBeen();
    expect(keys.map((key) => requestsOf(key).length).reduce((sum, each) => sum + each)).toBe(3);
  });
});

describe("a service that dies between its commit and its answer", () => {
  const count = async (): Promise<number> => (await roots()).length;

  it("an ingress: the producer sends it again, and it is the same execution", async () => {
    const before = await count();
    const ingress = await start("ingress", "ingress.delivery.committed");
    await ingress.ready();
    const unheard = tenant.send(hook.replace(engine.stack.urls.ingress, ingress.url), {}, "msg_1").catch(() => null);
    await ingress.stands();
    await ingress.kill();
    expect(await unheard).toBeNull();
    expect(await tenant.send(hook, {}, "msg_1")).toMatchObject({ status: 202, body: { duplicate: true } });
    expect(await count()).toBe(before + 1);
  });

  it("an api: the client asks again under its key, and it is the same execution", async () => {
    const before = await count();
    const api = await start("api", "api.start.committed");
    await api.ready();
    const path = "/v1/workflows/order/executions";
    const headers = {
      authorization: `Bearer ${tenant.key}`,
      "content-type": "application/json",
      "idempotency-key": "k",
    };
    const unheard = fetch(`${api.url}${path}`, { method: "POST", headers, body: "{}" }).catch(() => null);
    await api.stands();
    await api.kill();
    expect(await unheard).toBeNull();
    expect(await tenant.call("POST", path, {}, 0, { "idempotency-key": "k" })).toMatchObject({ status: 202 });
    expect(await count()).toBe(before + 1);
  });

  it("a scheduler: its due time fires once, and others find the execution", async () => {
    const before = await count();
    // The one that is there shall not be first.
    await launched.find((one) => one.service === "scheduler" && one.failPoint === null)?.kill();
    await engine.query("update keelson.schedules set next_at = date_trunc('second', now()) where tenant_id = $1", [
      tenant.id,
    ]);
    const scheduler = await start("scheduler", "scheduler.fire.committed");
    await scheduler.stands();
    await scheduler.kill();
    await start("scheduler", null);
    await expectAllAsIfNothingHadBeen();
    expect(await count()).toBe(before + 1);
  });
});
