// A world around decide(): attempts, children, templates, time, crashes and a history, in whatever order the walk takes
// them. After every event it checks, in their pure form:
//  I1. A `perform` is asked for only together with its attempt's start.
//  I2. The recorded events alone fold to the state.
//  I3. What has ended stays as it is, but for a retry.
//  I4. A step starts only when its entries are decided; at most one attempt of it is live, and each start has one end.
//  I5. Whatever has not ended has something that will wake it.
import { expect } from "vitest";
import { isEnded, isStepEnded, type ExecutionStatus, type Json } from "@keelson/contracts";
import type { GraphStep } from "@keelson/dag";
import { decide, type Decision } from "../decide.ts";
import type { AttemptOutcome, Command, EngineEvent, Evaluation, HistoryEvent } from "../messages.ts";
import { pendingStep, type ExecutionState, type StepState } from "../state.ts";
import { branchOf, fateInIter, isWaitingSubworkflow, type Fate, type RandomWorkflow } from "./random-graphs.ts";
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
  #folded = new Map<string, string>();
  #live = new Set<string>();
  #bytes = new Map<string, Json>();
  #ids = 0;

  constructor(workflow: RandomWorkflow, how: { readonly held: boolean; readonly deadlineInMs: number | null }) {
    this.workflow = workflow;
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
    if (asked.stepId === null) {
      this.#feed({ kind: "outputEvaluated", at: this.#at, result: { ok: true, output: null } });
    } else {
      const { stepId } = asked;
      this.#feed({ kind: "evaluated", at: this.#at, stepId, result: this.#evaluationOf(this.#step(stepId)) });
    }
    this.#asked = this.#asked.filter((each) => each !== asked);
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
    checkEndedUntouched(before, event, decision);
    checkLetEnd(before, decision);
    this.#checkStarts(before, decision);
    this.#checkFold(decision);
    for (const command of decision.commands) this.#obey(command);
    this.#checkWaker(event);
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

  /** I1 and I4, and that nothing starts in an execution that is held, queued or failing. */
  #checkStarts(before: ExecutionState, { state, commands, events, attempts }: Decision): void {
    const begins = commands.filter(({ kind }) => kind === "perform" || kind === "startChild" || kind === "evaluate");
    if (state.status === "queued" || before.failing !== null) check(begins.length === 0, "Something was started");
    for (const command of commands) {
      if (command.kind !== "perform") continue;
      const step = this.#step(command.stepId);
      check(step.status === "running" && step.sentAt !== null && step.attempt === command.attempt, "No such attempt");
      const said = events.some(
        ({ type, stepId, attempt }) =>
          type === "attempt.started" && stepId === command.stepId && attempt === command.attempt,
      );
      check(said, "An effect begins before its attempt's start is recorded (I1)");
      const key = `${step.id}.${step.keyIter}`;
      checkEqual(step.input, this.#bytes.get(key) ?? step.input, `Other bytes under the key ${key}`);
      this.#bytes.set(key, step.input ?? null);
    }
    for (const event of events) {
      if (event.type !== "attempt.started") continue;
      const key = `${event.stepId}/${this.#step(event.stepId ?? "").iter}/${event.attempt}`;
      check(!this.#live.has(key), `Attempt ${key} starts twice`);
      this.#live.add(key);
    }
    for (const { stepId, iter, attempt, startedAt } of attempts) {
      check(this.#live.delete(`${stepId}/${iter}/${attempt}`), `Attempt ${stepId}/${iter}/${attempt} ends twice`);
      check(startedAt >= BEGAN_AT, `Attempt ${stepId}/${iter}/${attempt} has no start`);
    }
    const live = [...state.steps.values()].filter(({ sentAt, wait }) => sentAt !== null || wait === "child");
    checkEqual(this.#live, new Set(live.map(({ id, iter, attempt }) => `${id}/${iter}/${attempt}`)), "Live attempts");
    for (const step of state.steps.values()) {
      if (step.status === "pending" || step.status === "cancelled") continue;
      const undecided = this.#node(step.id).entries.filter((entry) => !isStepEnded(this.#step(entry.step).status));
      check(undecided.length === 0, `'${step.id}' is ${step.status} before its entries are decided (I4)`);
    }
  }

  /** I2: the history says all. */
  #checkFold({ events }: Decision): void {
    for (const { type, stepId } of events) {
      const [of, status = ""] = type.split(".");
      if (of === "execution") this.#folded.set("", status);
      if (of === "step") this.#folded.set(stepId ?? "", status);
    }
    check(
      (this.#folded.get("") ?? "queued") === this.state.status,
      "The history does not fold to the execution's status",
    );
    for (const { id, status } of this.state.steps.values()) {
      check(
        (this.#folded.get(id) ?? pendingStep(id).status) === status,
        `The history does not fold to that of '${id}'`,
      );
    }
  }

  /** I5: what runs is under way, what waits has a time or a child, what is pending has something above it. */
  #checkWaker(event: EngineEvent): void {
    if (isEnded(this.state.status)) return;
    const asked = new Set(this.#asked.map(({ stepId }) => stepId));
    // While it is being answered, the question still stands in the list.
    if (event.kind === "evaluated") asked.delete(event.stepId);
    for (const step of this.state.steps.values()) {
      if (step.status === "running") {
        check(
          step.sentAt === null ? asked.has(step.id) : this.#performing.has(step.id),
          `Nobody runs '${step.id}' (I5)`,
        );
      }
      if (step.status === "waiting") {
        check(step.dueAt !== null || this.#children.has(step.childId ?? ""), `Nothing wakes '${step.id}' (I5)`);
      }
      if (step.status === "pending" && this.state.status !== "queued") {
        const open = this.#node(step.id).entries.some((entry) => !isStepEnded(this.#step(entry.step).status));
        check(open, `'${step.id}' is pending although its entries are decided (I5)`);
      }
    }
    if (this.state.status !== "queued" && [...this.state.steps.values()].every(({ status }) => isStepEnded(status))) {
      check(asked.has(null), "Nothing is left, and the execution has not ended (I5)");
    }
    for (const [stepId, attempt] of this.#performing) {
      const step = this.#step(stepId);
      check(
        step.status === "running" && step.attempt === attempt,
        `Nobody waits for attempt ${attempt} of '${stepId}'`,
      );
    }
    for (const [childId, stepId] of this.#children) {
      check(this.#step(stepId).childId === childId, `Nobody waits for child '${childId}' of '${stepId}'`);
    }
    if (this.state.status === "waiting") {
      check(asked.size === 0 && this.#performing.size === 0, "Parked while something runs (I5, T8)");
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

/** I3. */
function checkEndedUntouched(before: ExecutionState, event: EngineEvent, decision: Decision): void {
  if (event.kind === "retryRequested") return;
  if (isEnded(before.status)) {
    checkEqual(decision.state, before, "An ended execution (I3)");
    check(
      decision.commands.length + decision.events.length + decision.attempts.length === 0,
      "An ended one speaks (I3)",
    );
  }
  for (const [id, step] of before.steps) {
    if (isStepEnded(step.status)) check(decision.state.steps.get(id) === step, `'${id}' had ended, and changed (I3)`);
  }
  const order: ExecutionStatus[] = ["queued", "running", "waiting"];
  check(
    decision.state.status !== "queued" || before.status === "queued" || !order.includes(before.status),
    "Queued once more",
  );
}

/** "Attempts that are running are let end": a failure that nothing handles cuts none of them off. */
function checkLetEnd(before: ExecutionState, { state }: Decision): void {
  if (before.failing !== null || state.failing === null || state.error?.code === "EXECUTION_TIMEOUT") return;
  for (const { id, status, sentAt } of before.steps.values()) {
    const cutOff = status === "running" && sentAt !== null && state.steps.get(id)?.status === "cancelled";
    check(!cutOff, `The attempt of '${id}' was not let end`);
  }
}

function pickOf<T>(from: readonly T[], pick: number): T | undefined {
  return from.length === 0 ? undefined : from[pick % from.length];
}

export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  expect({ [what]: actual }).toEqual({ [what]: expected });
}
