// One execution under this worker's lease, from claim to release or end: events in, decisions, one commit for as
// many of them as need none between, then the effects.
//  I1. No effect begins before the transition that decided it is committed.
//  I2. Every commit carries epoch and seq; once one is fenced off, nothing more is touched.
import { failPoint, isEnded } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import type { EngineEvent } from "../core/messages.ts";
import type { ExecutionState } from "../core/state.ts";
import { commitItem, type Batch, type Fed } from "./batch.ts";
import { planFailureWorkflow } from "./children.ts";
import { createEffects, type AttemptReport, type EffectsDeps } from "./effects.ts";
import { createEvaluator, SessionDropped, type EvaluatorDeps } from "./evaluate.ts";
import type { FewAtOnce } from "./few-at-once.ts";
import { createFolding } from "./folding.ts";
import { createMailbox } from "./mailbox.ts";
import {
  UnstorableError,
  type ClaimedExecution,
  type CommitVerdict,
  type ExecutionStore,
  type InboxItem,
} from "./ports.ts";
import { nextWakeAt } from "./summary.ts";

/** How long decisions may follow one another before other executions get their turn; ms. */
const TURN_MS = 10;
/** A commit that carries more waits for the others that do; about bytes. */
const LARGE_BYTES = 256 * 1024;

export interface Lease {
  readonly workerId: string;
  /** False once it may have expired, by this process's own monotonic clock: no effect begins then. */
  isLive(): boolean;
}

export interface SessionDeps extends EvaluatorDeps, Pick<EffectsDeps, "secrets" | "tracing" | "turns"> {
  readonly store: Pick<ExecutionStore, "loadOutputs" | "commit" | "readInbox" | "loadChildResult">;
  readonly lease: Lease;
  /** Of this worker. */
  readonly largeCommits: FewAtOnce;
  readonly observer: SessionObserver;
}

/** Told of what happens, for hints, metrics and logs; never asked. */
export interface SessionObserver {
  committed(
    execution: ClaimedExecution,
    committed: { state: ExecutionState; batch: Batch; released: boolean; wakeInMs: number | null },
  ): void;
  attempted(execution: ClaimedExecution, attempt: AttemptReport): void;
}

/** How this worker came to be done with an execution. `dropped`: the lease was given up or lost, nothing was said. */
export type SessionEnd = "ended" | "released" | "fenced" | "dropped";

export interface Session {
  readonly execution: ClaimedExecution;
  /** Resolves when this worker has nothing more to do with the execution; rejects where PostgreSQL cannot be reached. */
  run(): Promise<SessionEnd>;
  /** Something came to its inbox. */
  checkMail(): void;
  /** The lease is lost or given up: aborts what runs, touches nothing. */
  drop(): void;
}

export function createSession(deps: SessionDeps, execution: ClaimedExecution, workflow: CompiledWorkflow): Session {
  const evaluator = createEvaluator(deps, execution, workflow, () => dropped);
  const folding = createFolding(deps.clock, execution, workflow, evaluator);
  const mailbox = createMailbox<Fed>(deps.clock);
  const effects = createEffects(
    {
      ...deps,
      leaseEnded: drop,
      ended: mailbox.put,
      attempted: (attempt) => deps.observer.attempted(execution, attempt),
    },
    execution,
    workflow,
    evaluator,
  );
  const seenMail = new Set<string>();
  let seq = execution.seq;
  let labelled = execution.labels !== null;
  let mailToRead = false;
  let dropped = false;

  async function run(): Promise<SessionEnd> {
    try {
      await folding.feed({ event: { kind: "claimed", at: deps.clock.nowAt(), losses: execution.losses } });
      await feedMail(execution.inbox);
      for (;;) {
        await feedArrived();
        if (dropped) return "dropped";
        const end = await commitAndAct();
        if (end !== null) return end;
        if (!folding.owes && !mailToRead) await mailbox.arrival(wakeInMs());
      }
    } catch (error) {
      if (error instanceof SessionDropped) return "dropped";
      throw error;
    } finally {
      dropped = true;
      effects.abortAll();
    }
  }

  /** Everything that has arrived, and whatever is due by now. */
  async function feedArrived(): Promise<void> {
    let turnBeganMs = deps.clock.monotonicMs();
    await folding.resume();
    while (!dropped && !folding.isFull) {
      const fed = mailbox.take();
      if (fed !== undefined) await folding.feed(fed);
      else if (mailToRead) {
        mailToRead = false;
        await feedMail(await deps.store.readInbox(execution));
      } else break;
      if (deps.clock.monotonicMs() - turnBeganMs > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        turnBeganMs = deps.clock.monotonicMs();
      }
    }
    const inMs = isEnded(folding.state.status) ? null : wakeInMs();
    if (inMs !== null && inMs <= 0) {
      await folding.feed({ event: { kind: "timerFired", at: deps.clock.nowAt(), random: deps.clock.random() } });
    }
  }

  async function feedMail(items: readonly InboxItem[]): Promise<void> {
    for (const item of items) {
      if (seenMail.has(item.id)) continue;
      seenMail.add(item.id);
      await folding.feed({ event: await mailEvent(item), inboxId: item.id });
    }
  }

  /** What an inbox row says; null: nothing that concerns this execution any more. */
  async function mailEvent(item: InboxItem): Promise<EngineEvent | null> {
    const at = deps.clock.nowAt();
    const random = deps.clock.random();
    if (item.kind === "cancel") return { kind: "cancelRequested", at };
    if (item.stepId === null) return null;
    if (item.kind === "wake") return { kind: "stepWoken", at, stepId: item.stepId, random };
    if (item.sourceId === null) return null;
    const result = item.result ?? (await deps.store.loadChildResult(execution.tenantId, item.sourceId));
    return result === null
      ? null
      : { kind: "childEnded", at, stepId: item.stepId, childId: item.sourceId, result, random };
  }

  /** One commit for all that was decided, then the effects; null while there is more to do here. */
  async function commitAndAct(): Promise<SessionEnd | null> {
    // An effect that ended while a timer's consequences were evaluated runs no more, but its outcome is still to be fed (T8).
    const idle = effects.running === 0 && folding.batch.performs.length === 0 && !mailbox.holds && !folding.owes;
    if (idle) await folding.feed({ event: { kind: "parked", at: deps.clock.nowAt() } });
    else if (folding.batch.events.length === 0) return null;
    const verdict = await commit(idle);
    if (verdict.kind === "fenced") return "fenced";
    const { state, batch } = folding;
    folding.settle();
    const ended = isEnded(state.status);
    const released = verdict.released && !ended;
    deps.observer.committed(execution, { state, batch, released, wakeInMs: released ? wakeInMs() : null });
    if (ended) return "ended";
    if (released) return "released";
    for (const stepId of batch.aborts) effects.abort(stepId);
    if (verdict.mail) checkMail();
    if (dropped || (batch.performs.length > 0 && !deps.lease.isLive())) return "dropped";
    for (const command of batch.performs) effects.begin(folding.state, command.stepId, command.attempt);
    return null;
  }

  async function commit(release: boolean): Promise<CommitVerdict> {
    await addFailureWorkflow();
    const at = { epoch: execution.epoch, seq, nowAt: deps.clock.nowAt(), release };
    const item = commitItem(
      execution,
      folding.state,
      folding.batch,
      at,
      labelled ? null : await evaluator.labels(folding.state),
    );
    try {
      failPoint("worker.commit.sending");
      const send = (): Promise<CommitVerdict> => deps.store.commit(deps.lease.workerId, item);
      const verdict = await (folding.batch.bytes < LARGE_BYTES ? send() : deps.largeCommits.run(send));
      failPoint("worker.commit.answered");
      seq += item.events.length;
      labelled = true;
      return verdict;
    } catch (error) {
      if (!(error instanceof UnstorableError) || !(await folding.refeedWithoutPayloads())) throw error;
      return commit(release && folding.batch.performs.length === 0 && !folding.owes);
    }
  }

  async function addFailureWorkflow(): Promise<void> {
    const { onFailure } = workflow.definition;
    const { status, error } = folding.state;
    if (status !== "failed" || error === null || onFailure === undefined || execution.quietFailure) return;
    const child = await planFailureWorkflow(deps, execution, onFailure, error);
    if (child !== null) folding.batch.children.push(child);
  }

  function wakeInMs(): number | null {
    const wakeAt = nextWakeAt(folding.state);
    return wakeAt === null ? null : wakeAt - deps.clock.nowAt();
  }

  function checkMail(): void {
    mailToRead = true;
    mailbox.wake();
  }

  function drop(): void {
    dropped = true;
    effects.abortAll();
    mailbox.wake();
  }

  return { execution, run, checkMail, drop };
}
