// Whether the workers are enough, and how many would be. Pure arithmetic over what the engine knows of itself.

import { type Binds, type Capacity, assertNever } from "@keelson/contracts";
import { round } from "./rates.ts";

export interface CapacityFacts {
  /** Executions accepted, and ended, a second; averages of the same time. */
  readonly arrivalPerSecond: number;
  readonly servicePerSecond: number;
  /** Due now, and taken by nobody yet. */
  readonly ready: number;
  /** How long the oldest of those has been due; null: there is none. */
  readonly oldestReadyAgeSeconds: number | null;
  /** Kept by a paused workflow. */
  readonly held: number;
  /** Tenants that have as many unfinished executions as they may: their new ones are refused. */
  readonly tenantsFull: number;
  /** Those that live and take work. */
  readonly workers: readonly { readonly slots: number; readonly used: number; readonly loopLagMs: number }[];
}

/** What is ready is taken within milliseconds, or by the sweep within seconds; later than this, something binds. */
const LATE_SECONDS = 5;
/** From here on the workers count as full: slots are given back and taken between two heartbeats. */
const FULL = 0.85;
/** A worker whose event loop lags so has no time left, whatever slots it has; ms, 99th percentile. */
const LAGGING_MS = 250;
/** How far up to its capacity a worker is to be loaded: beyond it, waiting grows much faster than load. */
const TARGET_LOAD = 0.8;
/** A snapshot may find hardly a slot in use although much is done: no more than this many times the present rate is promised. */
const LEAST_UTILISATION = 0.05;

/**
 * Reckons with the present average rates, and with what is ready now.
 *
 * - Load is used / slots, where a worker whose event loop lags counts as full: it has no time, whatever its slots say.
 * - A worker's capacity is servicePerSecond / workers / load: what it would end each second with all slots in use.
 * - `drainSeconds` is ready / (capacity of all - arrivalPerSecond); 0 where nothing is ready; null where nothing is gained
 *   on the arrivals. Where the database binds, free slots are no capacity: servicePerSecond is all there is.
 * - `workersNeeded` have, loaded to four fifths, the capacity for what arrives and for ready / maxAgeSeconds besides: the
 *   backlog is worked off in the time that it may be old, and what comes after it finds room. At least 1. Null where the
 *   database binds, since more workers would load it more, and where nothing has been measured to tell by.
 * - `binds` is what makes the ready late, later than 5 seconds or than maxAgeSeconds, where that is less: workers that
 *   are full or absent; or, where they have room, the database, through which everything passes. Where nothing is late,
 *   a tenant's pause or limit may hold work back that the engine could do: that is no matter of capacity.
 */
export function assessCapacity(facts: CapacityFacts, { maxAgeSeconds }: { readonly maxAgeSeconds: number }): Capacity {
  const { arrivalPerSecond, servicePerSecond, ready, oldestReadyAgeSeconds } = facts;
  const fleet = fleetOf(facts.workers);
  const load = fleetOf(
    facts.workers.map((worker) => (isLagging(worker) ? { ...worker, used: worker.slots } : worker)),
  ).utilisation;
  const what = whatBinds(facts, load, Math.min(LATE_SECONDS, maxAgeSeconds));
  const perWorker =
    fleet.alive === 0 || servicePerSecond === 0
      ? null
      : servicePerSecond / fleet.alive / Math.min(1, Math.max(load, LEAST_UTILISATION));
  const capacityPerSecond = what === "database" || perWorker === null ? servicePerSecond : perWorker * fleet.alive;
  return {
    maxAgeSeconds,
    arrivalPerSecond,
    servicePerSecond,
    backlog: ready,
    oldestReadyAgeSeconds,
    drainSeconds: drainSeconds(ready, capacityPerSecond - arrivalPerSecond),
    binds: { what, text: textOf(what, facts, fleet), values: valuesOf(facts, fleet) },
    workers: fleet,
    workersNeeded: workersNeeded(what, arrivalPerSecond + ready / maxAgeSeconds, perWorker),
  };
}

function isLagging(worker: { readonly loopLagMs: number }): boolean {
  return worker.loopLagMs >= LAGGING_MS;
}

export function fleetOf(workers: readonly { readonly slots: number; readonly used: number }[]): Capacity["workers"] {
  const slots = workers.reduce((sum, worker) => sum + worker.slots, 0);
  const used = workers.reduce((sum, worker) => sum + worker.used, 0);
  return { alive: workers.length, slots, used, utilisation: slots === 0 ? 0 : round(Math.min(1, used / slots)) };
}

function whatBinds(
  { ready, oldestReadyAgeSeconds, held, tenantsFull, workers }: CapacityFacts,
  load: number,
  lateSeconds: number,
): Binds["what"] {
  if (workers.length === 0 && ready > 0) return "workers";
  if ((oldestReadyAgeSeconds ?? 0) >= lateSeconds) return load >= FULL ? "workers" : "database";
  return held > 0 || tenantsFull > 0 ? "limit" : "nothing";
}

function drainSeconds(ready: number, gainPerSecond: number): number | null {
  if (ready === 0) return 0;
  return gainPerSecond > 0 ? round(ready / gainPerSecond) : null;
}

function workersNeeded(what: Binds["what"], perSecond: number, perWorker: number | null): number | null {
  if (what === "database") return null;
  if (perSecond === 0) return 1;
  return perWorker === null ? null : Math.max(1, Math.ceil(perSecond / (perWorker * TARGET_LOAD)));
}

function textOf(what: Binds["what"], facts: CapacityFacts, { alive, slots, used }: Capacity["workers"]): string {
  const late = `${facts.ready} executions are ready, the oldest for ${round(facts.oldestReadyAgeSeconds ?? 0)} s`;
  switch (what) {
    case "nothing":
      return alive === 0
        ? "Nothing is ready, and no worker lives: start one before work comes."
        : "Nothing binds: what is due is taken at once.";
    case "workers":
      return alive === 0
        ? `${late}, and no worker lives: start one.`
        : `${late}, and the workers are full: ${used} of ${slots} slots in use, event loops ${lagOf(facts)} ms late. Start more workers, or give them more slots if their event loops keep up.`;
    case "database":
      return `${late}, and the workers have room: ${used} of ${slots} slots in use. Look at PostgreSQL: its load, locks, and connections; more workers would not help.`;
    case "limit":
      return `The workers keep up. ${facts.held} executions are held by paused workflows, and ${facts.tenantsFull} tenants have as many unfinished executions as they may: resume the workflows, or raise the limits.`;
    default:
      return assertNever(what);
  }
}

function valuesOf(facts: CapacityFacts, { alive, slots, used }: Capacity["workers"]): Binds["values"] {
  const { ready, oldestReadyAgeSeconds, held, tenantsFull } = facts;
  return { ready, oldestReadyAgeSeconds, held, tenantsFull, workers: alive, slots, used, loopLagMs: lagOf(facts) };
}

function lagOf({ workers }: CapacityFacts): number {
  return Math.max(0, ...workers.map((worker) => worker.loopLagMs));
}
