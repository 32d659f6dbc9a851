// What a killed process costs: nothing but a moment. Two of each service, as processes; faults are signals.
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { killHolder, report } from "./support/faults.ts";
import { violations } from "./support/invariants.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;

beforeAll(async () => {
  engine = await startEngine({ counts: { api: 2, ingress: 2, scheduler: 2, worker: 2 } });
  tenant = await engine.tenant();
});
afterAll(() => engine.stop());
beforeEach(async () => {
  target = await recordingTarget();
});
afterEach(async () => {
  await target.close();
  const broken = await violations(engine);
  if (broken.length > 0) throw new Error(`Invariants broken: ${JSON.stringify(broken)}`);
});

const post = (id: string, path: string, rest: object = {}): object => ({
  id,
  type: "http",
  config: { method: "POST", url: `${target.url}${path}`, body: { from: id, at: "{{ now() }}", b: 1, a: 2 } },
  ...rest,
});

describe("SIGKILL of a worker", () => {
  it("in the middle of an http attempt: the request is sent again under the same key with the same bytes", async () => {
    await tenant.save({
      name: "mid-http",
      steps: [post("pay", "/pay"), post("ship", "/ship", { dependsOn: ["pay"] })],
    });
    let sent = 0;
    target.answer((request) =>
      request.path === "/pay" && ++sent === 1 ? "hang" : { status: 200, body: { ok: true } },
    );
    const id = await tenant.start("mid-http");
    await eventually(() => expect(target.to("/pay")).toHaveLength(1));
    const killedMs = performance.now();
    await killHolder(engine, id);
    await eventually(() => expect(target.to("/pay")).toHaveLength(2), { withinMs: 14_000 });
    report("SIGKILL mid-http to the request sent again", killedMs);
    const execution = await ended(tenant, id);
    expect(execution.status).toBe("succeeded");
    const [first, second] = target.to("/pay");
    expect(first?.headers["idempotency-key"]).toBe(`${id}.pay`);
    expect(second?.headers["idempotency-key"]).toBe(`${id}.pay`);
    expect(second?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true);
    expect(execution.steps.map((step) => [step.id, step.attempts])).toEqual([
      ["pay", 2],
      ["ship", 1],
    ]);
    expect(target.to("/ship")).toHaveLength(1);
  });

  it("in the middle of a delay: it ends at its time", async () => {
    await tenant.save({
      name: "mid-delay",
      steps: [{ id: "wait", type: "delay", config: { for: "3s" } }, post("after", "/after", { dependsOn: ["wait"] })],
    });
    const id = await tenant.start("mid-delay");
    await eventually(async () => expect((await tenant.execution(id)).status).toBe("waiting"));
    engine.stack.kill("worker", 0);
    engine.stack.kill("worker", 1);
    const execution = await ended(tenant, id);
    expect(execution.status).toBe("succeeded");
    expect(target.to("/after")).toHaveLength(1);
  });

  it("in the middle of a sub-workflow: parent and child both end once", async () => {
    await tenant.save({ name: "the-child", steps: [post("work", "/work")], output: "{{ steps.work.output.body }}" });
    await tenant.save({
      name: "the-parent",
      steps: [
        { id: "sub", type: "subworkflow", config: { workflow: "the-child" } },
        post("done", "/done", { dependsOn: ["sub"] }),
      ],
    });
    let sent = 0;
    target.answer((request) =>
      request.path === "/work" && ++sent === 1 ? "hang" : { status: 200, body: { answer: 42 } },
    );
    const id = await tenant.start("the-parent");
    await eventually(() => expect(target.to("/work")).toHaveLength(1));
    const { steps } = await tenant.execution(id);
    const childId = steps[0]?.childExecutionId ?? "";
    const killedMs = performance.now();
    await killHolder(engine, childId);
    const execution = await ended(tenant, id);
    report("SIGKILL mid-sub-workflow to the parent's end", killedMs);
    expect(execution.status).toBe("succeeded");
    expect(execution.steps[0]?.output).toEqual({ answer: 42 });
    expect(target.to("/done")).toHaveLength(1);
    expect(new Set(target.to("/work").map((request) => request.headers["idempotency-key"]))).toEqual(
      new Set([`${childId}.work`]),
    );
  });

  it("between steps, again and again: every step of thirty chains succeeds once, under one key", async () => {
    const steps = ["s1", "s2", "s3", "s4", "s5"].map((id, n) =>
      post(id, `/${id}`, n === 0 ? {} : { dependsOn: [`s${n}`] }),
    );
    await tenant.save({ name: "chain", steps });
    target.answer({ status: 200, body: { ok: true }, delayMs: 15 });
    const ids = await Promise.all(Array.from({ length: 30 }, () => tenant.start("chain")));
    for (const n of [0, 1, 0]) {
      await eventually(() => expect(target.requests.length).toBeGreaterThan(20));
      engine.stack.kill("worker", n);
      await eventually(() => expect(engine.stack.pids().worker).toHaveLength(2));
    }
    for (const id of ids) expect((await ended(tenant, id)).status).toBe("succeeded");
    for (const id of ids) {
      for (const step of ["s1", "s2", "s3", "s4", "s5"]) {
        const keys = target.to(`/${step}`).map((request) => request.headers["idempotency-key"]);
        expect(keys.filter((key) => key === `${id}.${step}`).length).toBeGreaterThan(0);
      }
    }
    report(
      `effects beyond one for each step (${target.requests.length - 150}); thirty chains of five, three kills, done`,
      performance.now(),
    );
  });
});

describe("SIGKILL of api, ingress and scheduler", () => {
  it("loses no webhook that was answered 202, and starts none twice", async () => {
    const hook = await tenant.save({
      name: "hooked",
      triggers: [HOOK_TRIGGER],
      steps: [
        { id: "pause", type: "delay", config: { for: "300ms" } },
        post("tell", "/tell", { dependsOn: ["pause"] }),
      ],
    });
    const accepted = new Map<string, string>();
    const send = async (n: number): Promise<void> => {
      // A producer tries again under the same id until it is told 202.
      await eventually(
        async () => {
          const answer = await tenant.send(hook, { n }, `msg_${n}`);
          expect(answer.status).toBe(202);
          accepted.set(`msg_${n}`, answer.body.executionId);
        },
        { withinMs: 30_000, everyMs: 100 },
      );
    };
    const sending = (async () => {
      for (let n = 0; n < 60; n += 1) await send(n);
    })();
    for (const service of ["scheduler", "ingress", "api", "scheduler", "ingress"] as const) {
      const before = accepted.size;
      await eventually(() => expect(accepted.size).toBeGreaterThan(Math.min(before + 5, 50)), { withinMs: 30_000 });
      engine.stack.kill(service, 0);
    }
    await sending;
    const ids = [...accepted.values()];
    expect(new Set(ids).size).toBe(60);
    for (const id of ids) expect((await ended(tenant, id)).status).toBe("succeeded");
    const [row] = await engine.query<{ count: number }>(
      "select count(*)::int as count from keelson.executions where workflow_name = 'hooked'",
    );
    expect(row?.count).toBe(60);
    expect(new Set(target.to("/tell").map((request) => request.headers["idempotency-key"])).size).toBe(60);
  });
});

describe("two schedulers", () => {
  it("fire each due time once", async () => {
    const steps = [{ id: "note", type: "transform", config: { output: "{{ trigger.scheduledAt }}" } }];
    const triggers = Array.from({ length: 20 }, (_, n) => ({ id: `s${n}`, type: "schedule", cron: "0 0 1 1 *" }));
    await tenant.save({ name: "scheduled", triggers, steps });
    await engine.query("update keelson.schedules set next_at = date_trunc('second', now())");
    const fired = (): Promise<{ id: string }[]> =>
      engine.query("select id from keelson.executions where workflow_name = 'scheduled'");
    await eventually(async () => expect(await fired()).toHaveLength(20));
    for (const { id } of await fired()) expect((await ended(tenant, id)).status).toBe("succeeded");
    expect(await fired()).toHaveLength(20);
  });
});

describe("PostgreSQL and Redis", () => {
  it("FLUSHALL in mid-run loses nothing", async () => {
    await tenant.save({
      name: "flushed",
      steps: [
        post("one", "/one"),
        { id: "wait", type: "delay", dependsOn: ["one"], config: { for: "1s" } },
        post("two", "/two", { dependsOn: ["wait"] }),
      ],
    });
    const ids = await Promise.all(Array.from({ length: 20 }, () => tenant.start("flushed")));
    const { Redis } = await import("ioredis");
    const redis = new Redis(engine.stack.redisUrl);
    await redis.flushall();
    await redis.flushall();
    redis.disconnect();
    for (const id of ids) expect((await ended(tenant, id)).status).toBe("succeeded");
    expect(new Set(target.to("/two").map((request) => request.headers["idempotency-key"])).size).toBe(20);
  });

  it("a restart of PostgreSQL in mid-run loses nothing and doubles nothing", async () => {
    await tenant.save({
      name: "restarted",
      steps: [
        post("one", "/one"),
        post("two", "/two", { dependsOn: ["one"] }),
        post("three", "/three", { dependsOn: ["two"] }),
      ],
    });
    target.answer({ status: 200, body: {}, delayMs: 150 });
    const ids = await Promise.all(Array.from({ length: 20 }, () => tenant.start("restarted")));
    await eventually(() => expect(target.to("/one").length).toBeGreaterThan(5));
    const killedMs = performance.now();
    engine.stack.postgres?.service.kill("SIGINT");
    for (const id of ids) expect((await ended(tenant, id)).status).toBe("succeeded");
    report("PostgreSQL stopped and started again to the last of twenty ended", killedMs);
    expect(new Set(target.to("/three").map((request) => request.headers["idempotency-key"])).size).toBe(20);
    const lost = await engine.query("select id from keelson.executions where error_code = 'WORKER_LOST'");
    expect(lost).toEqual([]);
  });
});
