// What operators build their dashboards on: each service's metrics, by name, moved by what they count.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOOK_TRIGGER, ended, startEngine, type Engine, type Tenant } from "./support/engine.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine();
  tenant = await engine.tenant();
});
afterAll(async () => {
  await engine.stop();
  await target.close();
});

type Service = "api" | "ingress" | "scheduler" | "worker";

/** The sum of a metric over the label sets that hold all of `labels`; null where there is none such. */
async function metric(service: Service, name: string, labels: Record<string, string> = {}): Promise<number | null> {
  const response = await fetch(`${engine.stack.instances[service][0]?.url}/metrics`);
  expect(response.status).toBe(200);
  const lines = (await response.text())
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)));
  return lines.length === 0 ? null : lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

it("count what ran, failed, was tried again and was refused, over all services", async () => {
  const url = await tenant.save({
    name: "counted",
    triggers: [HOOK_TRIGGER],
    steps: [
      { id: "flaky", type: "http", retry: { initialDelay: "5ms" }, config: { url: `${target.url}/flaky` } },
      { id: "last", type: "http", dependsOn: ["flaky"], config: { url: `${target.url}/last` } },
    ],
  });
  target.answer(({ path, index }) => ({ status: path === "/last" ? 404 : index === 0 ? 503 : 200 }));
  const sent = await tenant.send(url, {});
  expect((await ended(tenant, sent.body.executionId)).status).toBe("failed");
  expect((await tenant.call("GET", "/v1/nothing")).status).toBe(404);

  expect(await metric("worker", "keelson_executions_total", { status: "failed" })).toBe(1);
  expect(await metric("worker", "keelson_execution_seconds_count", { status: "failed" })).toBe(1);
  expect(await metric("worker", "keelson_steps_total", { status: "succeeded" })).toBe(1);
  expect(await metric("worker", "keelson_steps_total", { status: "failed" })).toBe(1);
  expect(await metric("worker", "keelson_retries_total")).toBe(1);
  expect(await metric("worker", "keelson_attempt_seconds_count", { type: "http", outcome: "HTTP_STATUS" })).toBe(2);
  expect(await metric("ingress", "keelson_deliveries_total", { verdict: "accepted" })).toBe(1);
  expect(await metric("api", "keelson_refusals_total", { code: "NOT_FOUND" })).toBe(1);
});

it("show leases, queue, oldest age, sweeps and pools", async () => {
  await tenant.save({ name: "waits", steps: [{ id: "wait", type: "delay", config: { for: "1h" } }] });
  await tenant.save({ name: "hangs", steps: [{ id: "hang", type: "http", config: { url: `${target.url}/hang` } }] });
  target.answer("hang");
  const [waiting, hanging] = [await tenant.start("waits"), await tenant.start("hangs")];
  await eventually(async () => expect(await metric("worker", "keelson_leases")).toBe(1));
  await eventually(async () => {
    expect(await metric("scheduler", "keelson_executions_unfinished", { state: "running" })).toBe(1);
    expect(await metric("scheduler", "keelson_executions_unfinished", { state: "waiting" })).toBe(1);
  });
  expect(await metric("scheduler", "keelson_oldest_ready_seconds")).toBe(0);
  expect(await metric("scheduler", "keelson_hints_waiting")).not.toBeNull();
  expect(await metric("worker", "keelson_worker_slots")).toBe(64);
  for (const service of ["api", "ingress", "scheduler", "worker"] as const) {
    expect(await metric(service, "keelson_pool_connections", { state: "idle" })).toBeGreaterThan(0);
    expect(await metric(service, "process_resident_memory_bytes")).toBeGreaterThan(0);
  }
  for (const id of [waiting, hanging]) {
    await tenant.call("POST", `/v1/executions/${id}/cancel`);
    await ended(tenant, id);
  }
});

it("are the ones that docs/metrics.md names, each of the services that it says", async () => {
  const documented = (await readFile(join(import.meta.dirname, "../docs/metrics.md"), "utf8")).matchAll(
    /^\| `(keelson_\w+)` \| (\w+) \|/gm,
  );
  const services = ["api", "ingress", "scheduler", "worker"] as const;
  const expected = [...documented].flatMap(([, name, of]) =>
    (of === "all" ? services : [of]).map((service) => `${service} ${name}`),
  );
  const served = await Promise.all(
    services.map(async (service) => {
      const text = await (await fetch(`${engine.stack.instances[service][0]?.url}/metrics`)).text();
      return [...text.matchAll(/^# TYPE (keelson_\w+)/gm)].map(([, name]) => `${service} ${name}`);
    }),
  );
  expect(served.flat().toSorted()).toEqual(expected.toSorted());
});
