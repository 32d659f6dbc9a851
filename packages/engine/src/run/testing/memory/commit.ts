// The commit of transitions, and what became of one. As packages/db/migrations/20261122000900_commit says it.
import { isEnded } from "@keelson/contracts";
import type { CommitItem, CommitVerdict } from "../../ports.ts";
import { insert } from "./starts.ts";
import { refuseFinished, writeSteps } from "./steps.ts";
import { changeExecution, executionOf, hasMail, sendMail, type ExecutionRow, type Tables } from "./tables.ts";

/** Throws, with nothing written, for what PostgreSQL would refuse. */
export function commit(tables: Tables, workerId: string, item: CommitItem): CommitVerdict {
  const row = executionOf(tables, item);
  if (row === undefined || !passesFence(tables, row, workerId, item)) return { kind: "fenced" };
  refuseFinished(row, item.steps, false);
  refuseTwice(row, item);
  tables.inbox = tables.inbox.filter((mail) => mail.executionId !== row.executionId || !item.eaten.includes(mail.id));
  writeSteps(tables, row, item, false);
  const nowAt = tables.nowAt();
  for (const attempt of item.attempts) {
    row.attempts.push({ ...attempt, finishedAt: Math.max(nowAt, attempt.startedAt) });
  }
  const { epoch, events, seq } = item;
  row.batches.push({ firstSeq: seq + 1, lastSeq: seq + events.length, epoch, items: events });
  for (const child of item.children) insert(tables, { ...child, tenantId: row.tenantId });
  tellOthers(tables, row, item);
  return { kind: "applied", ...advance(tables, row, item) };
}

function passesFence(tables: Tables, row: ExecutionRow, workerId: string, item: CommitItem): boolean {
  return row.owner === workerId && row.seq === item.seq && (row.epoch === item.epoch || !tables.guards.epoch);
}

function refuseTwice(row: ExecutionRow, item: CommitItem): void {
  const ids = new Set(item.steps.map((step) => step.id));
  if (ids.size < item.steps.length) throw new Error("a step cannot be written a second time by one commit");
  const recorded = new Set(row.attempts.map(({ stepId, iter, attempt }) => `${stepId} ${iter} ${attempt}`));
  for (const { stepId, iter, attempt } of item.attempts) {
    const key = `${stepId} ${iter} ${attempt}`;
    if (recorded.has(key)) throw new Error(`duplicate key value: attempt ${key}`);
    recorded.add(key);
  }
  if (row.batches.some((batch) => batch.firstSeq === item.seq + 1)) throw new Error("duplicate key value: events");
}

/** Cancels for children that run, and the end for a parent that waits in that generation. */
function tellOthers(tables: Tables, row: ExecutionRow, item: CommitItem): void {
  const { tenantId } = row;
  for (const executionId of item.cancels) {
    const child = executionOf(tables, { tenantId, executionId });
    if (child !== undefined) sendMail(tables, child, { kind: "cancel", stepId: null, sourceId: null });
  }
  const link = item.end?.parent ?? null;
  const parent = link === null ? undefined : executionOf(tables, { tenantId, executionId: link.executionId });
  if (link === null || parent === undefined || parent.gen !== link.gen) return;
  const mail = { kind: "childEnded" as const, stepId: link.stepId, sourceId: row.executionId };
  sendMail(tables, parent, mail);
  if (!tables.guards.toldOnce) sendMail(tables, parent, mail);
}

function advance(tables: Tables, row: ExecutionRow, item: CommitItem): { released: boolean; mail: boolean } {
  const mail = hasMail(tables, row);
  const ends = item.end !== undefined;
  const givesBack = item.release && (!mail || !tables.guards.mailKeepsLease);
  const nowAt = tables.nowAt();
  const isDueNow = item.status === "queued" && !row.held;
  const wakeAt = item.wakeAt === null || !tables.guards.timers ? null : nowAt + Math.max(0, item.wakeAt - item.nowAt);
  const waits = givesBack && !ends;
  changeExecution(row, {
    seq: item.seq + item.events.length,
    status: item.status,
    failing: isEnded(item.status) ? null : item.failing,
    labels: item.labels ?? row.labels,
    losses: item.progress ? 0 : row.losses,
    lostOwners: item.progress ? [] : row.lostOwners,
    owner: ends || givesBack ? null : row.owner,
    wakeAt: !waits ? null : isDueNow ? nowAt : wakeAt,
    sweepAt: !waits ? null : isDueNow ? nowAt : wakeAt === null ? null : wakeAt + 1_000,
    held: row.held && item.status === "queued",
    output: item.end?.output ?? null,
    error: item.end?.error ?? null,
    finishedAt: ends ? nowAt : null,
  });
  return { released: row.owner === null, mail };
}

/** What became of a commit whose answer was lost (T6): the batch after `seq` under this epoch can only be its own. */
export function commitOutcome(tables: Tables, workerId: string, item: CommitItem): CommitVerdict {
  const row = executionOf(tables, item);
  const own = row?.batches.some((batch) => batch.firstSeq === item.seq + 1 && batch.epoch === item.epoch);
  if (row === undefined || own !== true) return { kind: "fenced" };
  const released = row.owner !== workerId || row.epoch !== item.epoch;
  return { kind: "applied", released, mail: hasMail(tables, row) };
}
