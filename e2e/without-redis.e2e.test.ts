// Redis is away during the whole run (I9): webhooks are taken, and everything goes on by polling.
import { freePort, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine({ redisUrl: `redis://127.0.0.1:${await freePort()}`, counts: { worker: 2 } });
  tenant = await engine.tenant();
});
afterAll(async () => {
  await engine.stop();
  await target.close();
});

it("runs a webhook through all five step types to its end, without Redis", async () => {
  await tenant.save({ name: "helper", steps: [{ id: "echo", type: "transform", config: { output: "{{ input }}" } }] });
  const hook = await tenant.save({
    name: "everything",
    triggers: [HOOK_TRIGGER],
    steps: [
      { id: "shape", type: "transform", config: { output: { total: "{{ input.amount * 2 }}" } } },
      { id: "big", type: "condition", dependsOn: ["shape"], config: { if: "steps.shape.output.total > 10" } },
      {
        id: "sub",
        type: "subworkflow",
        dependsOn: ["big:true"],
        config: { workflow: "helper", input: { x: "{{ steps.shape.output.total }}" } },
      },
      { id: "wait", type: "delay", dependsOn: ["sub"], config: { for: "500ms" } },
      {
        id: "call",
        type: "http",
        dependsOn: ["wait"],
        config: { method: "POST", url: `${target.url}/call`, body: "{{ steps.sub.output }}" },
      },
    ],
  });
  const sent = await Promise.all(Array.from({ length: 10 }, (_, n) => tenant.send(hook, { amount: 10 + n })));
  expect(sent.map((answer) => answer.status)).toEqual(Array.from({ length: 10 }, () => 202));
  for (const { body } of sent) {
    const execution = await ended(tenant, body.executionId);
    expect(execution.status).toBe("succeeded");
    expect(execution.steps.map((step) => step.status)).toEqual(Array.from({ length: 5 }, () => "succeeded"));
  }
  expect(target.requests).toHaveLength(10);
  expect(await violations(engine)).toEqual([]);
});

it("every process of every service is alive and ready, says that Redis is away, and shows its metrics", async () => {
  const required = { api: ["postgres"], ingress: ["postgres"], scheduler: ["postgres"], worker: ["lease", "postgres"] };
  for (const [service, instances] of Object.entries(engine.stack.instances)) {
    for (const { url } of instances) {
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      const ready = await fetch(`${url}/readyz`);
      expect(ready.status).toBe(200);
      const { checks } = (await ready.json()) as { checks: Record<string, { ok: boolean; required: boolean }> };
      expect(checks["redis"]).toEqual({ ok: false, required: false });
      const needed = Object.keys(checks).filter((name) => checks[name]?.required);
      expect(needed.sort()).toEqual(required[service as keyof typeof required]);
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/^# TYPE /m);
    }
  }
});
