// A worker that was stopped past its lease and continued: others have gone on, and it can commit nothing.
import { readFile } from "node:fs/promises";
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ended, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { holderOf } from "./support/faults.ts";
import { violations } from "./support/invariants.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine({ counts: { worker: 2 }, env: { LEASE_TTL: "4s" } });
  tenant = await engine.tenant();
});
afterAll(async () => {
  await engine.stop();
  await target.close();
});

it("SIGSTOP past the lease, then SIGCONT: the late outcome is fenced off, the step succeeds once", async () => {
  await tenant.save({
    name: "zombie",
    steps: [
      { id: "slow", type: "http", config: { method: "POST", url: `${target.url}/slow`, body: { x: 1 } } },
      {
        id: "next",
        type: "http",
        dependsOn: ["slow"],
        config: { method: "POST", url: `${target.url}/next`, body: {} },
      },
    ],
  });
  const release = Promise.withResolvers<void>();
  let calls = 0;
  target.answer(async (request) => {
    if (request.path === "/slow" && ++calls === 1) {
      await release.promise;
      return { status: 200, body: { from: "the zombie" } };
    }
    return { status: 200, body: { from: "the successor" } };
  });
  const id = await tenant.start("zombie");
  await eventually(() => expect(target.to("/slow")).toHaveLength(1));
  const zombie = await holderOf(engine, id);
  process.kill(zombie, "SIGSTOP");
  const execution = await ended(tenant, id);
  expect(execution.status).toBe("succeeded");
  release.resolve();
  process.kill(zombie, "SIGCONT");
  const n = engine.stack.pids().worker.indexOf(zombie);
  const logFile = engine.stack.instances.worker[n]?.process.logFile ?? "";
  await eventually(async () => expect(await readFile(logFile, "utf8")).toContain("worker.lease_lost"), {
    withinMs: 20_000,
  });

  const after = await tenant.execution(id);
  expect(after).toEqual(execution);
  expect(after.steps[0]?.output).toMatchObject({ body: { from: "the successor" } });
  expect(target.to("/slow").map((request) => request.headers["idempotency-key"])).toEqual([`${id}.slow`, `${id}.slow`]);
  expect(target.to("/next")).toHaveLength(1);
  expect(await violations(engine)).toEqual([]);
  // It takes work again, as a new incarnation.
  const ids = await Promise.all(Array.from({ length: 20 }, () => tenant.start("zombie")));
  for (const one of ids) expect((await ended(tenant, one)).status).toBe("succeeded");
});
