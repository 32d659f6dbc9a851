// A world around decide(): attempts, children, templates, time, crashes and a history, in whatever order the walk takes
// them; the invariants are checked after every event.
import { isEnded } from "@keelson/contracts";
import type { GraphStep } from "@keelson/dag";
import { decide } from "../decide.ts";
import type { AttemptOutcome, Command, EngineEvent, Evaluation, HistoryEvent } from "../messages.ts";
import type { ExecutionState, StepState } from "../state.ts";
import { branchOf, fateInIter, isWaitingSubworkflow, type Fate, type RandomWorkflow } from "./random-graphs.ts";
import { check, checkEqual, Invariants } from "./invariants.ts";
import { isHandled, runAnewBy } from "./reference.ts";
import { deepFreeze, queuedExecution } from "./steps.ts";

export const BEGAN_AT = Date.UTC(2026, 0, 1);

/** A choice of the walk: what to do, and to which of those it can be done to. */
export interface Move {
  readonly kind:
    | "evaluate"
    | "endAttempt"
    | "endChild"
    | "advanceTime"
    | "crash"
    | "crashBeforeCommit"
    | "claimAgain"
    | "repeat"
    | "foreign"
    | "wake"
    | "park"
    | "cancel"
    | "liftHold"
    | "retry";
  readonly pick: number;
}

interface Asked {
  /** Null: the execution's output. */
  readonly stepId: string | null;
}

export class Walk {
  readonly workflow: RandomWorkflow;
  state: ExecutionState;
  /** Recorded since the start, and since the last retry. */
  readonly history: HistoryEvent[] = [];
  sinceRetry: HistoryEvent[] = [];
  /** What the last retry has left as it was. */
  kept: ReadonlyMap<string, StepState> = new Map();
  #at = BEGAN_AT;
  #losses = 0;
  #asked: Asked[] = [];
  /** Attempts under way, by step. */
  #performing = new Map<string, number>();
  /** Children that have not ended, with whose they are. */
  #children = new Map<string, string>();
  #sent: EngineEvent[] = [];
  #ids = 0;
  readonly #invariants: Invariants;

  constructor(workflow: RandomWorkflow, how: { readonly held: boolean; readonly deadlineInMs: number | null }) {
    this.workflow = workflow;
    this.#invariants = new Invariants(workflow.graph, BEGAN_AT);
    const deadlineAt = how.deadlineInMs === null ? null : BEGAN_AT + how.deadlineInMs;
    this.state = queuedExecution(workflow.graph, { held: how.held, deadlineAt });
  }

  take(move: Move): void {
    switch (move.kind) {
      case "evaluate":
        return this.#evaluate(move.pick);
      case "endAttempt":
        return this.#endAttempt(move.pick);
      case "endChild":
        return this.#endChild(move.pick);
      case "advanceTime":
        return this.#advanceTime(move.pick);
      case "crash":
        return this.#crash();
      case "crashBeforeCommit":
        return this.#crashBeforeCommit(move.pick);
      case "claimAgain":
        return this.#claimAgain();
      case "repeat":
        return this.#feed(pickOf(this.#sent, move.pick));
      case "foreign":
        return this.#feed(this.#foreignEvent(move.pick), "once");
      case "wake":
        return this.#feed({ kind: "stepWoken", at: this.#at, stepId: this.#anyStep(move.pick).id, random: 0.5 });
      case "park":
        return this.#feed({ kind: "parked", at: this.#at });
      case "cancel":
        return this.#feed({ kind: "cancelRequested", at: this.#at });
      case "liftHold":
        return this.#liftHold();
      case "retry":
        return this.#retry(move.pick);
    }
  }

  /** Lets it run to its end; throws where nothing is left that could bring it there. */
  finish(): void {
    for (let steps = 0; !isEnded(this.state.status); steps += 1) {
      check(steps < 2000, "The execution does not come to an end");
      if (this.state.status === "queued") {
        this.#liftHold();
        this.#claim();
      } else if (this.#asked.length > 0) this.#evaluate(steps);
      else if (this.#performing.size > 0) this.#endAttempt(steps);
      else if (this.#endingChildren().length > 0) this.#endChild(steps);
      else this.#advanceTime(steps);
    }
  }

  #evaluate(pick: number): void {
    const asked = pickOf(this.#asked, pick);
    if (asked === undefined) return;
    this.#asked = this.#asked.filter((each) => each !== asked);
    if (asked.stepId === null) {
      this.#feed({ kind: "outputEvaluated", at: this.#at, result: { ok: true, output: null } });
    } else {
      const { stepId } = asked;
      this.#feed({ kind: "evaluated", at: this.#at, stepId, result: this.#evaluationOf(this.#step(stepId)) });
    }
  }

  #evaluationOf(step: StepState): Evaluation {
    const node = this.#node(step.id);
    const fate = this.#fate(step);
    this.#ids += 1;
    if (!fate.evaluates) return { kind: "failed", error: { code: "EXPRESSION_FAILED", message: "No such thing" } };
    switch (node.type) {
      case "http":
        return { kind: "request", input: step.input ?? { nonce: this.#ids } };
      case "condition":
        return { kind: "branch", branch: branchOf(node, fate) };
      case "delay":
        return { kind: "until", untilAt: this.#at + 1000 * (this.#ids % 3) };
      case "subworkflow":
        return { kind: "child", input: null, childId: `child-${this.#ids}`, wait: isWaitingSubworkflow(node) };
      default:
        return { kind: "output", output: this.#ids };
    }
  }

  #endAttempt(pick: number): void {
    const [stepId, attempt] = pickOf([...this.#performing], pick) ?? [];
    if (stepId === undefined || attempt === undefined) return;
    const step = this.#step(stepId);
    const fate = this.#fate(step);
    const outcome: AttemptOutcome =
      step.failures < fate.failures
        ? {
            kind: "failed",
            error: { code: fate.hangs ? "STEP_TIMEOUT" : "HTTP_STATUS", message: "It failed" },
            retryable: !fate.final,
            inDoubt: fate.hangs,
          }
        : { kind: "succeeded", output: attempt };
    this.#performing.delete(stepId);
    this.#feed({ kind: "attemptEnded", at: this.#at, stepId, attempt, outcome, random: 0.5 });
  }

  /** A child ends, unless it is one of those that do not. */
  #endChild(pick: number): void {
    const step = pickOf(this.#endingChildren(), pick);
    if (step === undefined || step.childId === null) return;
    const { id: stepId, childId } = step;
    const fails = step.failures < this.#fate(step).failures;
    this.#children.delete(childId);
    this.#feed({
      kind: "childEnded",
      at: this.#at,
      stepId,
      childId,
      result: fails ? { status: "failed", error: null } : { status: "succeeded", output: childId },
      random: 0.5,
    });
  }

  #endingChildren(): StepState[] {
    return [...this.state.steps.values()].filter(
      (step) => step.wait === "child" && this.#children.has(step.childId ?? "") && !this.#hangs(step),
    );
  }

  #hangs(step: StepState): boolean {
    const fate = this.#fate(step);
    return fate.hangs && step.failures < fate.failures;
  }

  /** To the next moment at which something is due; a child that ends in time does so before. */
  #advanceTime(pick: number): void {
    const { deadlineAt, status } = this.state;
    const waits = status === "queued" ? [] : [...this.state.steps.values()].flatMap((step) => step.dueAt ?? []);
    const dueAt = Math.min(...waits, deadlineAt ?? Infinity);
    if (!Number.isFinite(dueAt)) return check(status === "queued" || pick >= 0, "Nothing is due");
    if (this.#endingChildren().some((step) => step.dueAt !== null && step.dueAt <= dueAt)) return this.#endChild(pick);
    this.#at = Math.max(this.#at, dueAt);
    return this.#feed({ kind: "timerFired", at: this.#at, random: 0.5 });
  }

  #crash(): void {
    if (isEnded(this.state.status) || this.state.status === "queued") return;
    this.#losses += 1;
    this.#claim();
  }

  /** The next event is decided by a worker that dies of it: nothing of the decision is ever known. */
  #crashBeforeCommit(pick: number): void {
    const step = pickOf([...this.#performing], pick);
    if (step === undefined) return this.#crash();
    const [stepId, attempt] = step;
    const outcome = { kind: "succeeded" as const, output: null };
    decide(this.workflow.graph, this.state, {
      kind: "attemptEnded",
      at: this.#at,
      stepId,
      attempt,
      outcome,
      random: 0.5,
    });
    return this.#crash();
  }

  /** Released while it waits, and taken again. */
  #claimAgain(): void {
    if (this.state.status === "waiting" || this.state.status === "queued") this.#claim();
  }

  #claim(): void {
    this.#asked = [];
    this.#performing.clear();
    this.#feed({ kind: "claimed", at: this.#at, losses: this.#losses });
  }

  #liftHold(): void {
    if (this.state.held) this.#feed({ kind: "holdLifted", at: this.#at });
  }

  #retry(pick: number): void {
    const before = this.state;
    const from = pick % 3 === 0 ? this.#anyStep(pick).id : null;
    const expected = this.#expectedAnew(from);
    this.#feed({ kind: "retryRequested", at: this.#at, from, held: pick % 5 === 0, deadlineAt: null });
    const anew = [...this.state.steps.values()].filter((step) => step.iter > (before.steps.get(step.id)?.iter ?? 0));
    checkEqual(new Set(anew.map(({ id }) => id)), expected, "What a retry runs anew");
    if (expected.size === 0) return;
    this.#losses = 0;
    this.#asked = [];
    this.#performing.clear();
    this.#sent = [];
    this.sinceRetry = [];
    this.kept = new Map([...this.state.steps].filter(([id]) => !expected.has(id)));
  }

  #expectedAnew(from: string | null): Set<string> {
    if (this.state.status !== "failed" && this.state.status !== "cancelled") return new Set();
    const steps = [...this.state.steps.values()];
    const ran = new Set(steps.filter(({ startedAt }) => startedAt !== null).map(({ id }) => id));
    const broken = steps.filter(
      (step) =>
        step.status === "cancelled" ||
        (step.status === "failed" &&
          (step.error?.code === "WORKER_LOST" || !isHandled(this.workflow.graph, step.id, ran))),
    );
    const ids = broken.map(({ id }) => id);
    return runAnewBy(this.workflow.graph, ids, from);
  }

  #foreignEvent(pick: number): EngineEvent {
    const stepId = pick % 7 === 0 ? "nobody" : this.#anyStep(pick).id;
    const at = this.#at;
    const live = this.state.steps.get(stepId)?.attempt ?? 0;
    const events: EngineEvent[] = [
      {
        kind: "attemptEnded",
        at,
        stepId,
        attempt: live + 1,
        outcome: { kind: "succeeded", output: "foreign" },
        random: 0,
      },
      { kind: "attemptEnded", at, stepId, attempt: live - 1, outcome: FOREIGN_FAILURE, random: 0 },
      { kind: "childEnded", at, stepId, childId: "foreign", result: { status: "failed", error: null }, random: 0 },
      { kind: "timerFired", at, random: 0 },
    ];
    return pickOf(events, pick) ?? { kind: "timerFired", at, random: 0 };
  }

  #feed(event: EngineEvent | undefined, repeats: "repeats" | "once" = "repeats"): void {
    if (event === undefined) return;
    const before = deepFreeze(this.state);
    const decision = decide(this.workflow.graph, before, deepFreeze(event));
    this.state = decision.state;
    this.history.push(...decision.events);
    this.sinceRetry.push(...decision.events);
    const mayRepeat = ["attemptEnded", "childEnded", "timerFired"].includes(event.kind);
    if (mayRepeat && repeats === "repeats") this.#sent.push(event);
    if (decision.attempts.some(({ outcome }) => outcome !== "in_doubt" && outcome !== "cancelled")) this.#losses = 0;
    this.#invariants.checkDecision(before, event, decision);
    for (const command of decision.commands) this.#obey(command);
    const evaluating = new Set(this.#asked.map(({ stepId }) => stepId));
    this.#invariants.checkWaker(this.state, { evaluating, performing: this.#performing, children: this.#children });
  }

  #obey(command: Command): void {
    switch (command.kind) {
      case "evaluate":
        this.#asked.push({ stepId: command.stepId });
        return;
      case "evaluateOutput":
        this.#asked.push({ stepId: null });
        return;
      case "perform":
        check(!this.#performing.has(command.stepId), `Two attempts of '${command.stepId}' are live`);
        this.#performing.set(command.stepId, command.attempt);
        return;
      case "abort":
        this.#performing.delete(command.stepId);
        return;
      case "startChild":
        check(!this.#children.has(command.childId), `Child '${command.childId}' is started twice`);
        if (command.wait) this.#children.set(command.childId, command.stepId);
        return;
      case "retryChild":
        this.#children.set(command.childId, command.stepId);
        return;
      case "cancelChild":
        this.#children.delete(command.childId);
        this.#sent.push({
          kind: "childEnded",
          at: this.#at,
          stepId: command.stepId,
          childId: command.childId,
          result: { status: "cancelled", error: null },
          random: 0,
        });
        return;
    }
  }

  #fate(step: StepState): Fate {
    const fate = this.workflow.fates.get(step.id);
    if (fate === undefined) throw new Error(`No fate for '${step.id}'`);
    return fateInIter(fate, step.iter);
  }

  #step(id: string): StepState {
    const step = this.state.steps.get(id);
    if (step === undefined) throw new Error(`No step '${id}'`);
    return step;
  }

  #node(id: string): GraphStep {
    const node = this.workflow.graph.byId.get(id);
    if (node === undefined) throw new Error(`No step '${id}'`);
    return node;
  }

  #anyStep(pick: number): StepState {
    return this.#step(pickOf([...this.state.steps.keys()], pick) ?? "");
  }
}

const FOREIGN_FAILURE: AttemptOutcome = {
  kind: "failed",
  error: { code: "HTTP_STATUS", message: "Foreign" },
  retryable: false,
  inDoubt: true,
};

function pickOf<T>(from: readonly T[], pick: number): T | undefined {
  return from.length === 0 ? undefined : from[pick % from.length];
}
