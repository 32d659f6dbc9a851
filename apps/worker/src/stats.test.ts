import { WorkerHeartbeat } from "@keelson/contracts";
import { expect, it } from "vitest";
import { createStats } from "./stats.ts";

const silent = { committed: () => undefined, attempted: () => undefined };

it("tells all that a heartbeat has, and counts what the observer is told", () => {
  const stopping = new AbortController();
  const stats = createStats({ load: () => ({ executions: 3, waiting: 2 }), slots: 64, stopping: stopping.signal });
  const observer = stats.counting(silent);
  type Committed = Parameters<typeof observer.committed>;
  type Attempted = Parameters<typeof observer.attempted>;
  const commit = (status: string) => observer.committed({} as Committed[0], { state: { status } } as Committed[1]);
  const attempt = (outcome: string) => observer.attempted({} as Attempted[0], { outcome } as Attempted[1]);
  for (const status of ["running", "waiting", "succeeded"]) commit(status);
  for (const outcome of ["succeeded", "failed", "timed_out"]) attempt(outcome);
  const beat = WorkerHeartbeat.strict().parse(stats.read());
  expect(beat).toMatchObject({ pid: process.pid, executions: 3, waiting: 2, slots: 64, draining: false });
  expect(beat).toMatchObject({ commits: 3, ended: 1, attempts: 3, attemptsFailed: 2 });
  expect(beat.rssBytes).toBeGreaterThan(1_000_000);
  stopping.abort();
  expect(stats.read().draining).toBe(true);
});
