// Leases: workers, claims, letting go, and what a holder reads. As packages/db/migrations/20261122000800_leases says it.
import type { Json } from "@keelson/contracts";
import type { ChildResult } from "../../../core/messages.ts";
import type { ClaimAnswer, ClaimedExecution, ExecutionRef, InboxItem, LeaseStore } from "../../ports.ts";
import { readSteps } from "./steps.ts";
import {
  changeExecution,
  executionOf,
  hasMail,
  isAlive,
  mailOf,
  nextId,
  type ExecutionRow,
  type InboxRow,
  type Tables,
} from "./tables.ts";

export function claim(tables: Tables, workerId: string, refs: readonly ExecutionRef[]): ClaimAnswer[] {
  return refs.map((ref) => claimOne(tables, workerId, ref));
}

function claimOne(tables: Tables, workerId: string, ref: ExecutionRef): ClaimAnswer {
  const row = executionOf(tables, ref);
  if (row === undefined || row.finishedAt !== null) return { kind: "none", ref };
  const nowAt = tables.nowAt();
  const isFree = row.owner === null || !tables.guards.free;
  if (isFree && isDue(tables, row) && isAlive(tables, workerId)) {
    const begins = !row.held && row.startedAt === null;
    const ownDeadlineAt = row.timeoutMs === null ? null : nowAt + row.timeoutMs;
    changeExecution(row, {
      owner: workerId,
      epoch: row.epoch + 1,
      wakeAt: null,
      sweepAt: null,
      startedAt: begins ? nowAt : row.startedAt,
      deadlineAt: begins ? earlier(row.deadlineAt, ownDeadlineAt) : row.deadlineAt,
    });
    return { kind: "claimed", execution: readExecution(tables, row) };
  }
  if (row.owner === null && !row.held && row.wakeAt !== null && row.wakeAt > nowAt) {
    return { kind: "tooEarly", ref, inMs: Math.ceil(row.wakeAt - nowAt) };
  }
  return { kind: "none", ref };
}

function isDue(tables: Tables, row: ExecutionRow): boolean {
  const nowAt = tables.nowAt();
  if (row.wakeAt !== null && row.wakeAt <= nowAt && !row.held) return true;
  if (row.owner !== null && !tables.guards.free) return true;
  return (row.deadlineAt !== null && row.deadlineAt <= nowAt) || hasMail(tables, row);
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}

export function readExecution(tables: Tables, row: ExecutionRow): ClaimedExecution {
  const nowAt = tables.nowAt();
  const { owner: _owner, wakeAt: _wakeAt, sweepAt: _sweepAt, ...rest } = row;
  return {
    ...rest,
    nowAt,
    startedAt: row.startedAt ?? nowAt,
    steps: readSteps(row),
    inbox: mailOf(tables, row).map((mail) => itemOf(tables, row.tenantId, mail)),
  };
}

function itemOf(tables: Tables, tenantId: string, { id, kind, stepId, sourceId }: InboxRow): InboxItem {
  return {
    id,
    kind,
    stepId,
    sourceId,
    result: sourceId === null ? null : childResult(tables, { tenantId, executionId: sourceId }),
  };
}

export function readInbox(tables: Tables, ref: ExecutionRef): InboxItem[] {
  const row = executionOf(tables, ref);
  if (row === undefined) return [];
  return mailOf(tables, row).map(({ id, kind, stepId, sourceId }) => ({ id, kind, stepId, sourceId }));
}

export function childResult(tables: Tables, ref: ExecutionRef): ChildResult | null {
  const child = executionOf(tables, ref);
  if (child === undefined || child.finishedAt === null) return null;
  if (child.status === "succeeded") return { status: "succeeded", output: child.output };
  return { status: child.status === "failed" ? "failed" : "cancelled", error: child.error };
}

export function loadOutputs(tables: Tables, ref: ExecutionRef, stepIds: readonly string[]): Map<string, Json> {
  const steps = executionOf(tables, ref)?.steps;
  return new Map(
    stepIds.flatMap((id): [string, Json][] => {
      const output = steps?.get(id)?.output;
      return output?.kind === "value" ? [[id, output.value]] : [];
    }),
  );
}

/** Under another epoch, due for whoever comes next (T3). A hold stays a hold. */
export function letGo(tables: Tables, workerId: string, refs: readonly ExecutionRef[], inMs: number): void {
  for (const ref of refs) {
    const row = executionOf(tables, ref);
    if (row?.owner !== workerId) continue;
    const dueAt = tables.nowAt() + inMs;
    changeExecution(row, {
      owner: null,
      epoch: row.epoch + 1,
      wakeAt: row.held ? null : dueAt,
      sweepAt: row.held ? row.deadlineAt : dueAt,
    });
  }
}

export function dueOf(tables: Tables, tenantId: string, limit: number): ExecutionRef[] {
  const nowAt = tables.nowAt();
  const free = [...tables.executions.values()].filter((row) => row.tenantId === tenantId && row.owner === null);
  const withMail = free.filter((row) => row.finishedAt === null && hasMail(tables, row)).slice(0, limit);
  const due = free.filter(
    (row) => row.sweepAt !== null && row.sweepAt <= nowAt + 5_000 && row.wakeAt !== null && row.wakeAt <= nowAt,
  );
  const told = due.sort((a, b) => (a.wakeAt ?? 0) - (b.wakeAt ?? 0)).slice(0, limit);
  for (const row of told) changeExecution(row, { sweepAt: nowAt + 8_000 });
  return [...withMail, ...told].map(({ executionId }) => ({ tenantId, executionId }));
}

/** The leases of one process, which takes its losses back as it registers anew. */
export function createLeases(tables: Tables): LeaseStore {
  let last: string | null = null;
  return {
    async register(_name, ttlMs) {
      if (last !== null) retireWorker(tables, last);
      const nowAt = tables.nowAt();
      last = nextId(tables);
      tables.workers.set(last, {
        id: last,
        renewedAt: nowAt,
        leaseUntil: nowAt + ttlMs,
        dead: false,
        stopped: false,
        locked: true,
      });
      return { workerId: last, nowAt };
    },
    async tick(workerId, ttlMs) {
      const nowAt = tables.nowAt();
      const worker = tables.workers.get(workerId);
      if (worker === undefined || !isAlive(tables, workerId)) return { alive: false, nowAt, owned: [] };
      Object.assign(worker, { renewedAt: nowAt, leaseUntil: nowAt + ttlMs });
      const owned = [...tables.executions.values()].filter((row) => row.owner === workerId);
      return { alive: true, nowAt, owned: owned.map((row) => ({ ...leaseOf(row), mail: hasMail(tables, row) })) };
    },
    async retire(workerId) {
      retireWorker(tables, workerId);
    },
  };
}

function leaseOf({ tenantId, executionId, epoch }: ExecutionRow) {
  return { tenantId, executionId, epoch };
}

/** Nothing that it leaves behind, or that was taken from it, counts as lost under it (T13). */
function retireWorker(tables: Tables, workerId: string): void {
  const worker = tables.workers.get(workerId);
  if (worker === undefined) return;
  const leaseUntil = Math.min(worker.leaseUntil, tables.nowAt());
  Object.assign(worker, { dead: true, stopped: true, locked: false, leaseUntil });
  for (const row of tables.executions.values()) {
    if (row.losses === 0 || row.finishedAt !== null || !row.lostOwners.includes(workerId)) continue;
    const lostOwners = row.lostOwners.filter((id) => id !== workerId);
    changeExecution(row, { losses: row.losses - 1, lostOwners });
  }
}
