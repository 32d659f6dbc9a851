// Two of each service, every one stopped by SIGTERM and started again in turn, while clients go on behind a balancer.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { SERVICES, type ServiceName } from "@keelson/local-stack";
import { eventually, recordingTarget, type RecordedRequest, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startBalancer } from "./support/balancer.ts";
import { HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { givenBack } from "./support/given-back.ts";
import { violations } from "./support/invariants.ts";
import { markdownBlocks } from "./support/markdown-blocks.ts";
import { startLoad } from "./support/steady-load.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;
/** What became of the processes, in the supervisor's words. */
const deaths: string[] = [];

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine({
    counts: { api: 2, ingress: 2, scheduler: 2, worker: 2 },
    // So slow is no machine that a lease runs out.
    env: { STOP_DELAY: "1s", STOP_GRACE: "10s", LEASE_TTL: "60s" },
    log: (line) => void deaths.push(line),
  });
  tenant = await engine.tenant();
});
afterAll(async () => {
  await engine.stop();
  await target.close();
});

const post = (path: string, more: object = {}): object => ({
  type: "http",
  config: { method: "POST", url: `${target.url}${path}`, body: { from: "{{ execution.id }}" } },
  ...more,
});

/** Stops the n-th process of a service as a deployment does, and waits for the one that is started in its place. */
async function restart(service: ServiceName, n: number): Promise<void> {
  const instance = engine.stack.instances[service][n];
  const before = instance?.process.pid() ?? null;
  instance?.process.kill("SIGTERM");
  await eventually(
    async () => {
      expect([before, null]).not.toContain(instance?.process.pid() ?? null);
      expect((await fetch(`${instance?.url}/readyz`)).status).toBe(200);
    },
    { withinMs: 60_000 },
  );
}

async function statuses(): Promise<Record<string, number>> {
  const rows = await engine.query<{ status: string; n: number }>(
    "select status, count(*)::int as n from keelson.executions where tenant_id = $1 group by status",
    [tenant.id],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
}

/** The workers as the runbook's reader sees them, typed as it is printed there. */
async function lookAtWorkers(): Promise<string> {
  const [setting] = markdownBlocks(join(import.meta.dirname, "../infra/runbooks/drain-a-worker.md"));
  const typed = (setting?.text ?? "")
    .replace(/^cd .*$/m, "")
    .replace(/^API=.*$/m, `API=${engine.stack.urls.api}`)
    .replace(/^ADMIN=.*$/m, `ADMIN="Authorization: Bearer ${engine.stack.adminToken}"`);
  return (await promisify(execFile)("bash", ["-c", `${typed}\nworkers`])).stdout;
}

function byKey(requests: readonly RecordedRequest[]): Map<string, RecordedRequest[]> {
  return Map.groupBy(requests, ({ headers }) => headers["idempotency-key"] ?? "none");
}

it("answers every client while each process is stopped and started in turn, and does what it accepted once", async () => {
  target.answer(() => ({ status: 200, body: {}, delayMs: 50 }));
  const hookUrl = await tenant.save({
    name: "rolling",
    triggers: [HOOK_TRIGGER],
    steps: [post("/first", { id: "first" }), post("/second", { id: "second", dependsOn: ["first"] })],
  });
  const urls = (service: ServiceName): string[] => engine.stack.instances[service].map(({ url }) => url);
  const [api, ingress] = [await startBalancer(urls("api")), await startBalancer(urls("ingress"))];
  const load = startLoad({ tenant, workflow: "rolling", hookUrl, api, ingress, clients: 4, everyMs: 100 });
  for (const service of SERVICES) {
    for (const n of [0, 1]) {
      await eventually(() => expect([api.ready(), ingress.ready()]).toEqual([2, 2]));
      await restart(service, n);
    }
  }
  await load.stop();
  await Promise.all([api.close(), ingress.close()]);
  process.stderr.write(`    ${load.accepted.length} accepted\n`);

  expect(load.refused).toEqual([]);
  expect(deaths.sort()).toEqual(
    SERVICES.flatMap((service) => [0, 1].map((n) => `${service}-${n} died (exit code 0), starting it again`)).sort(),
  );
  // Each accepted one is an execution of its own, there is no other, and each has ended.
  await eventually(async () => expect(await statuses()).toEqual({ succeeded: load.accepted.length }), {
    withinMs: 60_000,
  });
  expect(new Set(load.accepted).size).toBe(load.accepted.length);
  // What was not cut off was not sent twice.
  const spared = await givenBack(engine);
  const keys = load.accepted.flatMap((id) => [`${id}.first`, `${id}.second`]);
  const twice = [...byKey(target.requests)].filter(([, requests]) => requests.length > 1).map(([key]) => key);
  expect(twice.filter((key) => !spared.has(key.split(".")[0] ?? ""))).toEqual([]);
  expect([...byKey(target.requests).keys()].sort()).toEqual(keys.sort());
  expect(await violations(engine)).toEqual([]);
}, 600_000);

it("lets the http steps that run on SIGTERM end, and has what takes too long sent again by another, under its key", async () => {
  await tenant.save({ name: "short", steps: [post("/short", { id: "call" })] });
  await tenant.save({ name: "long", steps: [post("/long", { id: "call" })] });
  const [shortEnd, longEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  target.answer(async ({ path }) => {
    await (path === "/short" ? shortEnd : longEnd).promise;
    return { status: 200, body: {} };
  });
  const before = await statuses();
  const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => tenant.start(n % 4 === 0 ? "long" : "short")));
  await eventually(() => expect(target.to("/short").length + target.to("/long").length).toBe(40));
  const held = await engine.query<{ id: string; name: string; pid: number }>(
    `select e.id, e.workflow_name as name, substring(w.name from '[0-9]+$')::int as pid
     from keelson.executions e join keelson.workers w on w.id = e.owner where e.id = any($1)`,
    [ids],
  );
  const pids = engine.stack.pids().worker;
  const heldBy = (pid: number | undefined) => held.filter((row) => row.pid === pid);
  const n = heldBy(pids[0]).length >= heldBy(pids[1]).length ? 0 : 1;
  const mine = heldBy(pids[n]);
  expect(mine.length).toBeGreaterThanOrEqual(20);

  deaths.length = 0;
  engine.stack.kill("worker", n, "SIGTERM");
  await eventually(async () =>
    expect(await lookAtWorkers()).toContain(`"name":"worker-${pids[n]}","state":"draining"`),
  );
  shortEnd.resolve();
  await eventually(() => expect(deaths).toEqual([`worker-${n} died (exit code 0), starting it again`]), {
    withinMs: 20_000,
  });
  const told = await readFile(engine.stack.instances.worker[n]?.process.logFile ?? "", "utf8");
  for (const message of ["service.stopping", "execution.given_back", "service.stopped"])
    expect(told).toMatch(new RegExp(`"pid":${pids[n]},.*"msg":"${message}"`));
  expect(await lookAtWorkers()).toContain(`"name":"worker-${pids[n]}","state":"dead"`);
  longEnd.resolve();
  await eventually(
    async () => expect(await statuses()).toEqual({ succeeded: (before["succeeded"] ?? 0) + ids.length }),
    { withinMs: 30_000 },
  );
  const again = mine.filter(({ name }) => name === "long").map(({ id }) => `${id}.call`);
  const twice = [...byKey([...target.to("/short"), ...target.to("/long")])].filter(([, sent]) => sent.length > 1);
  expect(twice.map(([key]) => key).sort()).toEqual(again.sort());
  for (const [, sent] of twice) {
    expect(sent).toHaveLength(2);
    expect(sent[1]?.body).toEqual(sent[0]?.body);
  }
  expect(await violations(engine)).toEqual([]);
});
