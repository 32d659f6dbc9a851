// The sweep's statements. As packages/db/migrations/20261122001100_sweeps says them.
import type { ExecutionRef } from "../../ports.ts";
import type { SweepStore } from "../../sweep.ts";
import { changeExecution, isAlive, type ExecutionRow, type Tables } from "./tables.ts";

/** What was told of is told again then, if nobody has taken it; ms. */
const TOLD_AGAIN_MS = 5_000;
/** Mail that has been lying for so long is looked after; ms. */
const LYING_MS = 1_000;
/** A worker that has not ticked for so long, and holds no lock, is silent; ms. */
const SILENT_MS = 1_000;

/** As one sweeper sees it: who is silent is believed when seen twice. */
export function createSweeps(tables: Tables): SweepStore {
  let silentBefore: ReadonlySet<string> = new Set();

  function rows(is: (row: ExecutionRow) => boolean, limit: number): ExecutionRow[] {
    return [...tables.executions.values()].filter(is).slice(0, limit);
  }

  return {
    async sweepDue(limit) {
      const nowAt = tables.nowAt();
      const due = rows((row) => row.sweepAt !== null && row.sweepAt <= nowAt, limit);
      for (const row of due) changeExecution(row, { sweepAt: nowAt + TOLD_AGAIN_MS });
      return due.map(refOf);
    },
    async sweepInbox(limit) {
      const oldest = tables.nowAt() - LYING_MS;
      const lies = (row: ExecutionRow): boolean =>
        tables.inbox.some((mail) => mail.executionId === row.executionId && mail.gen === row.gen && mail.at < oldest);
      return rows((row) => row.owner === null && row.finishedAt === null && lies(row), limit).map(refOf);
    },
    async reap(limit) {
      const nowAt = tables.nowAt();
      const lost = rows((row) => row.owner !== null && !isAlive(tables, row.owner), limit);
      for (const row of lost) {
        const owner = row.owner ?? "";
        const counts = tables.workers.get(owner)?.stopped !== true;
        changeExecution(row, {
          owner: null,
          epoch: row.epoch + 1,
          losses: row.losses + (counts ? 1 : 0),
          lostOwners: counts ? [...row.lostOwners, owner] : row.lostOwners,
          wakeAt: row.held ? null : nowAt,
          sweepAt: row.held ? row.deadlineAt : nowAt,
        });
      }
      return lost.map(refOf);
    },
    async clearInbox(limit) {
      const oldest = tables.nowAt() - LYING_MS;
      const isVoid = (executionId: string, gen: number): boolean => {
        const row = tables.executions.get(executionId);
        return row === undefined || row.finishedAt !== null || gen < row.gen;
      };
      const dead = tables.inbox
        .filter((mail) => mail.at < oldest && isVoid(mail.executionId, mail.gen))
        .slice(0, limit);
      tables.inbox = tables.inbox.filter((mail) => !dead.includes(mail));
      return dead.length;
    },
    async buryTheSilent() {
      const nowAt = tables.nowAt();
      const silent = [...tables.workers.values()].filter(
        (worker) => isAlive(tables, worker.id) && !worker.locked && worker.renewedAt < nowAt - SILENT_MS,
      );
      const twice = silent.filter((worker) => silentBefore.has(worker.id));
      silentBefore = new Set(silent.map((worker) => worker.id));
      for (const worker of twice) worker.dead = true;
      return twice.length;
    },
  };
}

function refOf({ tenantId, executionId }: ExecutionRow): ExecutionRef {
  return { tenantId, executionId };
}
