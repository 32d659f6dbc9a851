// What the operator sees across tenants: counts, states, ids and times, never a payload.

import { z } from "zod";
import { pageOf, queryInteger } from "./lists.ts";
import { Id, Timestamp } from "./values.ts";

const count = z.int().nonnegative();
const perSecond = z.number().nonnegative();
const seconds = z.number().nonnegative();
const share = z.number().min(0).max(1);

export const RateWindow = z
  .strictObject({
    startedPerSecond: perSecond.describe("Executions accepted: starts, children and retries."),
    endedPerSecond: perSecond.describe("Executions that ended, whatever their status."),
    succeededPerSecond: perSecond.describe("Executions a second that succeeded."),
    failedPerSecond: perSecond.describe("Executions a second that failed."),
    cancelledPerSecond: perSecond.describe("Executions a second that were cancelled."),
  })
  .describe("Executions a second, on average over the time that the field's name says.");
export type RateWindow = z.infer<typeof RateWindow>;

export const Binds = z
  .strictObject({
    what: z
      .enum(["nothing", "workers", "database", "limit"])
      .describe(
        "What keeps executions from running sooner. workers: too few, or too busy; database: workers have room, and yet work waits; limit: a tenant's pause or limit holds it; nothing: what is due runs at once.",
      ),
    text: z.string().describe("The same for people, with the values that say so."),
    values: z.record(z.string(), z.number().nullable()).describe("The values that decided it, by name."),
  })
  .describe("What binds.");
export type Binds = z.infer<typeof Binds>;

const oldestReadyAgeSeconds = seconds
  .nullable()
  .describe("How long the oldest of those ready has been due; null: none is ready.");

const Fleet = z.strictObject({
  alive: count.describe("Workers that live and take work."),
  slots: count.describe("Executions that they can hold in progress at once."),
  used: count.describe("Slots in use, as of the last heartbeat."),
  utilisation: share.describe("used / slots; 0 without slots."),
});

export const Overview = z
  .strictObject({
    time: Timestamp.describe("PostgreSQL's."),
    version: z.string().describe("Of the api that answers."),
    rates: z
      .strictObject({ last1m: RateWindow, last5m: RateWindow, last15m: RateWindow })
      .describe("From roll-ups, which lag by about a second."),
    latencies: z
      .strictObject({
        count: count.describe("Executions that it is of."),
        p50Ms: z.number().nullable(),
        p95Ms: z.number().nullable(),
        p99Ms: z.number().nullable(),
        maxMs: z.number().nullable(),
      })
      .describe(
        "From an execution's first claim to its end, of those that ended in the last 5 minutes; a percentile is off by its bucket's width, a factor of 2 at most.",
      ),
    backlog: z
      .strictObject({
        unfinished: count,
        queued: count.describe("Accepted, not held, and not begun."),
        held: count.describe("Kept until their workflow is resumed."),
        running: count.describe("In progress: some worker holds the lease."),
        waiting: count.describe("Given back: for a time, a child or mail."),
        ready: count.describe("Due now, and taken by nobody yet."),
        oldestReadyAgeSeconds,
        exact: z.boolean().describe("False: there are more than 100,000, and not all were counted."),
      })
      .describe("Executions that have not ended."),
    workers: z
      .strictObject({
        ...Fleet.shape,
        draining: count.describe("Workers that end when what they have is done with."),
      })
      .describe("The workers that are there."),
    binds: Binds,
    postgres: z
      .strictObject({
        state: z.enum(["up"]).describe("Without PostgreSQL this call answers 503."),
        latencyMs: z.number().nonnegative().describe("Of one statement, a moment ago."),
        connections: z
          .strictObject({ open: count, idle: count, waiting: count.describe("Requests that wait for one.") })
          .describe("Of the instance that answers."),
      })
      .describe("How PostgreSQL answers."),
    redis: z
      .strictObject({
        state: z.enum(["up", "down"]).describe("down: everything goes on, a little later."),
        latencyMs: z.number().nonnegative().nullable(),
      })
      .describe("Whether Redis answers; nothing depends on it."),
  })
  .describe("How the engine is doing, across tenants.");
export type Overview = z.infer<typeof Overview>;

export const CapacityQuery = z.strictObject({
  maxAgeSeconds: queryInteger(1, 86_400)
    .optional()
    .describe("How long what is ready may wait, 1 to 86,400 seconds. Default 30."),
});
export type CapacityQuery = z.infer<typeof CapacityQuery>;

export const Capacity = z
  .strictObject({
    maxAgeSeconds: z.int().positive().describe("Longest lag that is aimed at, in seconds."),
    arrivalPerSecond: perSecond.describe("Executions accepted, on average of the last 5 minutes."),
    servicePerSecond: perSecond.describe("Executions ended, on average of the last 5 minutes."),
    backlog: count.describe("Executions that are ready: due now, and taken by nobody yet."),
    oldestReadyAgeSeconds,
    drainSeconds: seconds
      .nullable()
      .describe("Until the backlog is gone, as it is now; null: never, or nobody can tell yet."),
    binds: Binds,
    workers: Fleet.describe("The workers that are needed and there."),
    workersNeeded: count
      .nullable()
      .describe(
        "How many such workers would keep what is ready younger than maxAgeSeconds; null: more would not help, or nothing has been measured to tell by.",
      ),
  })
  .describe("Whether the workers are enough, and how many would be.");
export type Capacity = z.infer<typeof Capacity>;

export const WORKER_STATES = ["live", "draining", "dead"] as const;

export const WorkerReport = z
  .strictObject({
    id: z.string().describe("Of this incarnation; a worker that comes back has another."),
    name: z.string().describe("Its name, unique among those that live."),
    state: z
      .enum(WORKER_STATES)
      .describe("draining: takes nothing more; dead: its lease is over, or it has said goodbye."),
    host: z.string().nullable().describe("Of the machine it runs on; null: it has not said."),
    pid: z.int().nullable().describe("Of its process; null: it has not said."),
    startedAt: Timestamp,
    lastSeenAt: Timestamp.describe("Its last heartbeat, of which it has two a second."),
    leases: count.describe("Executions that PostgreSQL says it holds."),
    slots: count.nullable().describe("Executions that it can hold in progress at once."),
    slotsUsed: count.nullable().describe("Executions in progress; null: it has not said."),
    offersWaiting: count.nullable().describe("Executions that it was offered and has no slot for yet."),
    rssBytes: count.nullable().describe("Memory that it takes, as its system counts it (RSS)."),
    eventLoopLagMs: z
      .number()
      .nonnegative()
      .nullable()
      .describe("How much later than asked for a timer fired: 99th percentile of the last half second."),
    counts: z
      .strictObject({
        commits: count.describe("Commits of transitions."),
        attempts: count.describe("Attempts of effects."),
        attemptsFailed: count,
        executionsEnded: count,
      })
      .nullable()
      .describe("Since it started."),
  })
  .describe("A worker by its last heartbeat; null is what it has not said.");
export type WorkerReport = z.infer<typeof WorkerReport>;

export const WorkerList = z.strictObject({
  items: z.array(WorkerReport).describe("At most 500: the living first, then those that died in the last day."),
});
export type WorkerList = z.infer<typeof WorkerList>;

export const TenantUsage = z
  .strictObject({
    id: Id,
    slug: z.string().describe("The tenant's short name."),
    name: z.string().describe("The tenant's name for people."),
    unfinishedExecutions: z
      .strictObject({
        used: count,
        exact: z.boolean().describe("False: there are at least so many; no more than 10,000 are counted."),
        limit: count,
      })
      .describe("Executions that have not ended, and how many there may be."),
    heldExecutions: count.describe(
      "Of those unfinished, kept until their workflow is resumed. At most 10,000 are counted.",
    ),
    rates: z
      .strictObject({
        startedPerSecond: perSecond,
        webhooksPerMinute: perSecond.describe("Executions started by webhooks, of all endpoints together."),
        endedPerSecond: perSecond,
        failedPerSecond: perSecond,
      })
      .describe("On average of the last 15 minutes, from roll-ups."),
    limits: z
      .strictObject({
        apiPerMinute: count.describe("Of each API key."),
        webhookPerMinute: count.describe("Of each endpoint."),
      })
      .describe("What the tenant may have."),
  })
  .describe("What a tenant uses of what it may.");
export type TenantUsage = z.infer<typeof TenantUsage>;

export const TenantUsagePage = pageOf(TenantUsage);
export type TenantUsagePage = z.infer<typeof TenantUsagePage>;

const finding = {
  code: z.string().describe("Which check found it, such as STUCK."),
  invariant: z.string().describe("I2 to I7, of ARCHITECTURE.md."),
  tenantId: Id,
  subject: z.strictObject({ type: z.enum(["execution", "delivery"]), id: Id }).describe("What breaks it."),
  place: z.string().describe("Which step, event or reference of it; empty where there is one at most."),
  text: z.string().describe("What must hold, and what was seen."),
  remedy: z.string().describe("What the operator can do."),
};

export const Violation = z
  .strictObject({ ...finding, firstSeenAt: Timestamp, lastSeenAt: Timestamp })
  .describe("A broken invariant that audits have found.");
export type Violation = z.infer<typeof Violation>;

export const ViolationPage = pageOf(Violation);
export type ViolationPage = z.infer<typeof ViolationPage>;

export const AuditAnswer = z
  .strictObject({
    checked: z
      .strictObject({
        unfinished: count.describe("Executions that have not ended."),
        ended: count.describe("Executions that ended last."),
        endedSince: Timestamp.nullable().describe("When the earliest of those ended."),
        deliveries: count.describe("Accepted deliveries, the last ones."),
        complete: z.boolean().describe("Every execution that has not ended was looked at."),
      })
      .describe("What was looked at."),
    violations: z.array(z.strictObject(finding)).describe("What was found."),
  })
  .describe("What an audit has looked at, and what it has found.");
export type AuditAnswer = z.infer<typeof AuditAnswer>;
