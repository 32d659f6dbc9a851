// The database as the simulation's processes reach it: every statement and every answer is a turn of its own, either may come
// late or be lost, and whatever is written is looked at. What breaks a rule of the protocol is told to `violated`.
//  I2. A commit is applied under the newest epoch and at the row's seq alone.
//  I4. A lease is taken from nobody who lives.
//  T1, T2. No release over unread mail; a child's end is told once.
import type { ClaimAnswer, CommitItem, CommitVerdict, ExecutionStore, LeaseStore } from "../../ports.ts";
import { commit, commitOutcome } from "../memory/commit.ts";
import { childResult, claim, createLeases, dueOf, letGo, loadOutputs, readInbox } from "../memory/leases.ts";
import { isAlive, mailOf, type Tables } from "../memory/tables.ts";
import type { Process, Schedule } from "./schedule.ts";

/** How long a statement may be on its way that its sender has given up; ms. */
const LATE_MS = 1_500;
/** A commit without an answer is sent again after this; ms. */
const SENT_AGAIN_MS = 100;

/** `answer`: carried out, and nobody hears of it; `late`: the same, and carried out only some time later. */
export type Loss = "answer" | "late";

class LostAnswer extends Error {}

/** One process's connection. */
export class Line {
  /** Of the next claims and commits. */
  readonly losses: { readonly claim: Loss[]; readonly commit: Loss[] } = { claim: [], commit: [] };
  readonly #process: Process;
  readonly #schedule: Schedule;

  constructor(process: Process, schedule: Schedule) {
    this.#process = process;
    this.#schedule = schedule;
  }

  /** A statement that is on its way is carried out, whatever becomes of the process that sent it. */
  async ask<T>(what: string, carryOut: () => T | Promise<T>, losses: Loss[] = []): Promise<T> {
    await this.#schedule.turn(`PostgreSQL is asked by ${this.#process.name} to ${what}`);
    const loss = losses.shift();
    if (loss === "late") {
      this.#schedule.time.after(LATE_MS, () => {
        void this.#schedule
          .turn(`PostgreSQL is asked late to ${what}`)
          .then(carryOut)
          .catch(() => undefined); // nobody hears of it
      });
    }
    const answer = loss === "late" ? null : await Promise.resolve().then(carryOut);
    await this.#process.turn(`hears of its ${what}`);
    if (loss !== undefined || answer === null) throw new LostAnswer(`No answer to ${what}`);
    return answer;
  }

  sleep(ms: number): Promise<void> {
    return this.#process.sleep(ms);
  }
}

export interface Connected {
  readonly store: ExecutionStore;
  readonly leases: LeaseStore;
}

/** The stores of one worker's process. */
export function connect(tables: Tables, line: Line, violated: (rule: string) => void): Connected {
  const leases = createLeases(tables);
  const watched = watch(tables, violated);

  /** Sends until there is an answer, as packages/db/src/group-commit.ts does; a few times, then it gives up. */
  async function commitSurely(workerId: string, item: CommitItem): Promise<CommitVerdict> {
    for (let sent = 1; ; sent += 1) {
      try {
        const verdict = await line.ask("commit", () => watched.commit(workerId, item), line.losses.commit);
        if (sent === 1 || verdict.kind === "applied") return verdict;
        return await line.ask("tell of a commit", () => commitOutcome(tables, workerId, item));
      } catch (error) {
        if (!(error instanceof LostAnswer) || sent === 2) throw error;
        await line.sleep(SENT_AGAIN_MS);
      }
    }
  }

  return {
    store: {
      claim: (workerId, refs) => line.ask("claim", () => watched.claim(workerId, refs), line.losses.claim),
      due: (tenantId, limit) => line.ask("tell what is due", () => dueOf(tables, tenantId, limit)),
      commit: commitSurely,
      readInbox: (ref) => line.ask("read mail", () => readInbox(tables, ref)),
      loadOutputs: (ref, ids) => line.ask("load outputs", () => loadOutputs(tables, ref, ids)),
      loadChildResult: async (tenantId, executionId) => {
        const found = await line.ask("load a child", () => [childResult(tables, { tenantId, executionId })]);
        return found[0] ?? null;
      },
      letGo: async (workerId, refs, inMs) => {
        await line.ask("let go", () => [letGo(tables, workerId, refs, inMs)]);
      },
    },
    leases: {
      register: (name, ttlMs) => line.ask("register", () => leases.register(name, ttlMs)),
      tick: (workerId, ttlMs) => line.ask("renew", () => leases.tick(workerId, ttlMs)),
      retire: async (workerId) => void (await line.ask("retire", () => [leases.retire(workerId)])),
    },
  };
}

function watch(tables: Tables, violated: (rule: string) => void) {
  return {
    claim(workerId: string, refs: Parameters<ExecutionStore["claim"]>[1]): ClaimAnswer[] {
      const owners = new Map(refs.map(({ executionId: id }) => [id, tables.executions.get(id)?.owner ?? null]));
      const answers = claim(tables, workerId, refs);
      for (const answer of answers) {
        if (answer.kind !== "claimed") continue;
        const owner = owners.get(answer.execution.executionId) ?? null;
        if (owner !== null && isAlive(tables, owner)) violated("A lease was taken from a worker that lives (I4)");
      }
      return answers;
    },
    commit(workerId: string, item: CommitItem): CommitVerdict {
      const row = tables.executions.get(item.executionId);
      const before = { owner: row?.owner, epoch: row?.epoch, seq: row?.seq };
      const verdict = commit(tables, workerId, item);
      if (row === undefined || verdict.kind !== "applied") return verdict;
      if (before.owner !== workerId || before.epoch !== item.epoch) violated("A commit under an older lease (I2)");
      if (before.seq !== item.seq) violated("A commit at another seq than the row's (I2)");
      if (item.end === undefined && verdict.released && mailOf(tables, row).length > 0) {
        violated("Released over unread mail (T1, T2)");
      }
      const told = tables.inbox.filter(({ sourceId }) => sourceId === item.executionId);
      if (told.length > 1) violated("A child's end was told twice");
      return verdict;
    },
  };
}
