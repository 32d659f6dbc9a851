// A worker's runner: hints in, leases taken, a session for each execution, and the tick that keeps what this process
// knows and what PostgreSQL says it owns the same.
//  T3. A lease that this process does not know of, two ticks running, is given back.
//  T13. An execution that has cost two workers their lives runs alone.
import { failPoint } from "@keelson/contracts";
import { createAdmission } from "./admission.ts";
import { createBacklog } from "./backlog.ts";
import { createClaims } from "./claims.ts";
import { createFaults } from "./faults.ts";
import { createFewAtOnce } from "./few-at-once.ts";
import { beginIncarnation, type Incarnation, type IncarnationDeps } from "./incarnation.ts";
import type { ClaimedExecution, ExecutionRef, ExecutionStore, Hints, OwnedLease } from "./ports.ts";
import { createSession, type Session, type SessionDeps } from "./session.ts";
import { createTurns } from "./turns.ts";

/** When a suspect that another one stands before is tried again; ms. */
const SUSPECT_AGAIN_MS = 500;
/** Losses in a row from which on an execution runs alone in its worker. */
const ALONE_AFTER_LOSSES = 2;
/** Hints for what is due later than this are left to the sweep; ms. */
const LONGEST_HINT_MS = 10 * 60 * 1000;
/** How often the lease is looked at while PostgreSQL keeps its renewal waiting; ms. */
const LOOK_MS = 250;
/** A claim that came too early by no more than this is made again here; ms. */
const LONGEST_WAIT_MS = 5_000;
/** Commits of more than some hundred KiB that are sent at once. */
const LARGE_COMMITS = 4;

export interface RunnerDeps extends Omit<SessionDeps, "lease" | "store" | "turns" | "largeCommits">, IncarnationDeps {
  readonly store: ExecutionStore;
  readonly hints: Hints;
  readonly log: RunnerLog;
}

export interface RunnerLog {
  /** An error of the engine's surroundings (PostgreSQL away) or its own; the execution is let go. */
  sessionFailed(execution: ExecutionRef, error: unknown): void;
  incarnationBegan(workerId: string): void;
  incarnationLost(workerId: string, dropped: number): void;
  tickFailed(error: unknown): void;
  leaseGivenBack(ref: ExecutionRef, why: string): void;
}

export interface RunnerOptions {
  readonly name: string;
  readonly leaseTtlMs: number;
  readonly concurrency: number;
}

export interface Runner {
  /**
   * Tries to take the execution that a hint names; resolves once that is decided, and not before there is room and it is
   * its tenant's turn. Where it waits already, or enough of that tenant do, it resolves at once: PostgreSQL is asked later.
   */
  offer(ref: ExecutionRef): Promise<void>;
  /** A hint that something came to the inbox of an execution held here. */
  mail(executionId: string): void;
  /** To be run every second. Never rejects. */
  tick(): Promise<void>;
  /** Takes nothing more, lets what runs end within `graceMs`, gives the rest back. */
  stop(graceMs: number): Promise<void>;
  readonly active: number;
  /** Offers that wait for room: whoever finds more meanwhile need not offer it here. */
  readonly waiting: number;
  readonly isLive: boolean;
}

export function createRunner(deps: RunnerDeps, options: RunnerOptions): Runner {
  const admission = createAdmission(options.concurrency);
  const claims = createClaims(deps.store);
  const faults = createFaults();
  const turns = createTurns(deps.clock);
  const largeCommits = createFewAtOnce(LARGE_COMMITS);
  const sessions = new Map<string, Session>();
  /** Claimed and not yet done with, those that wait for their turn alone included. */
  const known = new Set<string>();
  const running = new Set<Promise<void>>();
  /** Those that wait for their turn: another hint for one of them says nothing new. */
  const inLine = new Set<string>();
  let incarnation: Incarnation | null = null;
  let unknownBefore = new Set<string>();
  let stopping = false;
  let graceIsOver = false;

  const backlog = createBacklog({
    store: deps.store,
    roomFor,
    offer: (ref) => void enter(ref).catch((error: unknown) => deps.log.sessionFailed(ref, error)),
    onError: deps.log.tickFailed,
  });

  /** Half of its share or more, lest PostgreSQL be asked for each. */
  function roomFor(tenantId: string): number {
    const room = admission.roomFor(tenantId);
    return stopping || incarnation === null || room < admission.waitingOf(tenantId) ? 0 : room;
  }

  async function offer(ref: ExecutionRef): Promise<void> {
    if (backlog.has(ref.tenantId) || admission.roomFor(ref.tenantId) === 0) backlog.note(ref.tenantId);
    else await enter(ref);
  }

  async function enter(ref: ExecutionRef): Promise<void> {
    if (inLine.has(ref.executionId)) return;
    inLine.add(ref.executionId);
    const leave = await admission.enter(ref.tenantId);
    inLine.delete(ref.executionId);
    backlog.refill(ref.tenantId);
    const holder = incarnation;
    if (stopping || holder === null || !holder.isLive()) return leave();
    const taking = take(holder, ref, leave);
    track(taking);
    return taking;
  }

  async function take(holder: Incarnation, ref: ExecutionRef, leave: () => void): Promise<void> {
    const answer = await claims.claim(holder.workerId, ref).catch((error: unknown) => {
      leave();
      throw error;
    });
    if (answer.kind === "claimed") {
      failPoint("worker.claim.answered");
      track(drive(holder, answer.execution, leave));
      return;
    }
    leave();
    if (answer.kind === "tooEarly" && answer.inMs <= LONGEST_WAIT_MS) offerLater(ref, answer.inMs);
  }

  /** A stop waits for it: also for a claim under way, lest what it takes begins after the goodbye. */
  function track(work: Promise<void>): void {
    const done = work.then(forget, forget);
    function forget(): void {
      running.delete(done);
    }
    running.add(done);
  }

  /** Due, but not for another moment (T14): this hint must not be the last. */
  function offerLater(ref: ExecutionRef, inMs: number): void {
    deps.clock.after(inMs + 1, () => void offer(ref).catch((error: unknown) => deps.log.sessionFailed(ref, error)));
  }

  async function drive(holder: Incarnation, execution: ClaimedExecution, leave: () => void): Promise<void> {
    known.add(execution.executionId);
    try {
      if (execution.losses < ALONE_AFTER_LOSSES) await hold(holder, execution);
      else {
        leave();
        // A second suspect is given back: were it kept waiting here, the death of this worker would convict it with the first.
        const turn = admission.alone(() => hold(holder, execution));
        await (turn ?? giveBack(holder, [execution], "suspect", SUSPECT_AGAIN_MS));
      }
    } finally {
      known.delete(execution.executionId);
      leave();
    }
  }

  async function hold(holder: Incarnation, execution: ClaimedExecution): Promise<void> {
    if (holder !== incarnation) return;
    if (stopping) return giveBack(holder, [execution], "stopping");
    try {
      const workflow = await deps.definitions.loadVersion(execution.tenantId, execution.versionId);
      const session = createSession(
        { ...deps, turns, largeCommits, lease: holder, observer: { ...deps.observer, committed } },
        execution,
        workflow,
      );
      sessions.set(execution.executionId, session);
      if (graceIsOver || holder !== incarnation) session.drop();
      const end = await session.run();
      faults.forget(execution.executionId);
      if (end === "dropped") await giveBack(holder, [execution], "dropped");
    } catch (error) {
      // Left to the sweep, later each time: a fault that lasts must not spin, whatever it is.
      deps.log.sessionFailed(execution, error);
      await giveBack(holder, [execution], "failed", faults.putOffMs(execution.executionId));
    } finally {
      sessions.delete(execution.executionId);
    }
  }

  const committed: SessionDeps["observer"]["committed"] = (execution, what) => {
    const { tenantId } = execution;
    if (what.released) failPoint("worker.release.committed");
    if (what.released && what.wakeInMs !== null && what.wakeInMs <= LONGEST_HINT_MS)
      deps.hints.wake(execution, what.wakeInMs);
    if (what.batch.children.length > 0) failPoint("worker.children.committed");
    for (const child of what.batch.children) deps.hints.wake({ tenantId, executionId: child.executionId }, 0);
    for (const executionId of what.batch.cancels) tellInbox({ tenantId, executionId });
    const ended = what.state.status !== "running" && what.state.status !== "waiting" && what.state.status !== "queued";
    if (ended && execution.parent !== null) {
      failPoint("worker.mail.committed");
      tellInbox({ tenantId, executionId: execution.parent.executionId });
    }
    deps.observer.committed(execution, what);
  };

  /** Whoever holds it reads its inbox; if nobody does, whoever comes first claims it. */
  function tellInbox(ref: ExecutionRef): void {
    deps.hints.mail(ref);
    deps.hints.wake(ref, 0);
  }

  async function tick(): Promise<void> {
    backlog.refillAll();
    dropIfExpired();
    const stopLooking = lookNowAndThen();
    try {
      if (incarnation === null) {
        if (stopping) return;
        incarnation = await beginIncarnation(deps, options.name, options.leaseTtlMs);
        deps.log.incarnationBegan(incarnation.workerId);
      }
      const holder = incarnation;
      const owned = await holder.tick();
      if (holder !== incarnation) return;
      if (owned === null) loseIncarnation();
      else await reconcile(holder, owned);
    } catch (error) {
      deps.log.tickFailed(error);
      dropIfExpired();
    } finally {
      stopLooking();
    }
  }

  /** While PostgreSQL keeps a renewal waiting. */
  function lookNowAndThen(): () => void {
    let stopLooking = deps.clock.after(LOOK_MS, look);
    function look(): void {
      dropIfExpired();
      stopLooking = deps.clock.after(LOOK_MS, look);
    }
    return () => stopLooking();
  }

  function dropIfExpired(): void {
    if (incarnation !== null && !incarnation.isLive()) loseIncarnation();
  }

  function loseIncarnation(): void {
    if (incarnation !== null) deps.log.incarnationLost(incarnation.workerId, sessions.size);
    incarnation = null;
    unknownBefore = new Set();
    for (const session of sessions.values()) session.drop();
  }

  /** What PostgreSQL says is mine against what I know of. */
  async function reconcile(holder: Incarnation, owned: readonly OwnedLease[]): Promise<void> {
    for (const lease of owned) if (lease.mail) sessions.get(lease.executionId)?.checkMail();
    const unknown = owned.filter((lease) => !known.has(lease.executionId));
    // The same lease, not the same execution: one that is taken often is now and then seen between claim and answer.
    const unknownTwice = unknown.filter((lease) => unknownBefore.has(leaseKey(lease)));
    unknownBefore = new Set(unknown.map(leaseKey));
    if (unknownTwice.length > 0) await giveBack(holder, unknownTwice, "unknown here, two ticks running");
  }

  /** Due at once and hinted at, or put off and left to the sweep. What another incarnation holds is no longer ours to give. */
  async function giveBack(
    holder: Incarnation,
    refs: readonly ExecutionRef[],
    why: string,
    putOffMs: number | null = null,
  ): Promise<void> {
    if (holder !== incarnation) return;
    for (const ref of refs) deps.log.leaseGivenBack(ref, why);
    try {
      await deps.store.letGo(holder.workerId, refs, putOffMs ?? 0);
      if (putOffMs === null) for (const ref of refs) deps.hints.wake(ref, 0);
    } catch (error) {
      // PostgreSQL is away: the tick finds these leases once it is back, or they run out.
      deps.log.tickFailed(error);
    }
  }

  async function stop(graceMs: number): Promise<void> {
    stopping = true;
    const graceEnds = deps.clock.after(graceMs, () => {
      graceIsOver = true;
      for (const session of sessions.values()) session.drop();
    });
    while (running.size > 0) await Promise.race(running);
    graceEnds();
    if (incarnation !== null) await deps.leases.retire(incarnation.workerId);
  }

  return {
    offer,
    mail: (executionId) => sessions.get(executionId)?.checkMail(),
    tick,
    stop,
    get active() {
      return sessions.size;
    },
    get waiting() {
      return admission.waiting;
    },
    get isLive() {
      return incarnation?.isLive() ?? false;
    },
  };
}

function leaseKey({ executionId, epoch }: OwnedLease): string {
  return `${executionId} ${epoch}`;
}
