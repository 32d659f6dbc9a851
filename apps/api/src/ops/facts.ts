// What the engine knows of itself, read at once for the operator's overview and the assessment of its capacity.

import { DEFAULT_TENANT_LIMITS } from "@keelson/contracts";
import {
  type Backlog,
  type Database,
  type MinuteRow,
  type WorkerRow,
  backlogRead,
  minutesRead,
  tenantsFull,
  workersRead,
} from "@keelson/db";
import type { CapacityFacts } from "./assess-capacity.ts";
import { ratesOver } from "./rates.ts";

/** Of the rates that a capacity is reckoned with; s. */
const AVERAGE_SECONDS = 300;
const LONGEST_MS = 17 * 60_000;
export const MAX_WORKERS = 500;

export interface EngineFacts {
  readonly backlog: Backlog;
  /** Of the last quarter of an hour and a little more. */
  readonly minutes: readonly MinuteRow[];
  readonly workers: readonly WorkerRow[];
  readonly capacity: CapacityFacts;
  /** How long PostgreSQL took to tell of the backlog; ms. */
  readonly latencyMs: number;
}

export async function readFacts(db: Database): Promise<EngineFacts> {
  const began = performance.now();
  const backlog = await backlogRead(db);
  const latencyMs = performance.now() - began;
  const since = new Date(backlog.nowAt.getTime() - LONGEST_MS);
  const [minutes, workers, full] = await Promise.all([
    minutesRead(db, since),
    workersRead(db, MAX_WORKERS),
    tenantsFull(db, DEFAULT_TENANT_LIMITS.unfinishedExecutions),
  ]);
  const { startedPerSecond, endedPerSecond } = ratesOver(minutes, backlog.nowAt, AVERAGE_SECONDS);
  return {
    backlog,
    minutes,
    workers,
    latencyMs,
    capacity: {
      arrivalPerSecond: startedPerSecond,
      servicePerSecond: endedPerSecond,
      ready: backlog.ready,
      oldestReadyAgeSeconds: backlog.oldestReadySeconds,
      held: backlog.held,
      tenantsFull: full,
      workers: workers.filter((worker) => stateOf(worker) === "live").map(loadOf),
    },
  };
}

/** What has said goodbye or whose lease is over is dead; what will take nothing more is draining. */
export function stateOf({ alive, heartbeat }: WorkerRow): "live" | "draining" | "dead" {
  if (!alive) return "dead";
  return heartbeat.draining === true ? "draining" : "live";
}

function loadOf({ heartbeat, leases }: WorkerRow): CapacityFacts["workers"][number] {
  const { slots = 0, executions = leases, loopLagP99Ms = 0 } = heartbeat;
  return { slots, used: executions, loopLagMs: loopLagP99Ms };
}
