// What holds after every event, in its pure form:
//  I1. A `perform` is asked for only together with its attempt's start.
//  I2. The recorded events alone fold to the state.
//  I3. What has ended stays as it is, but for a retry.
//  I4. A step starts only when its entries are decided; at most one attempt of it is live, and each start has one end.
//  I5. Whatever has not ended has something that will wake it.
// And that a key is never sent with other bytes.
import { expect } from "vitest";
import { isEnded, isStepEnded, type Json } from "@keelson/contracts";
import type { Graph } from "@keelson/dag";
import type { Decision } from "../decide.ts";
import type { EngineEvent } from "../messages.ts";
import { pendingStep, type ExecutionState, type StepState } from "../state.ts";

/** What the world has under way. */
export interface UnderWay {
  /** Steps whose templates somebody evaluates; null: the execution's output. */
  readonly evaluating: ReadonlySet<string | null>;
  /** Attempts, by step. */
  readonly performing: ReadonlyMap<string, number>;
  /** Children that have not ended, with whose they are. */
  readonly children: ReadonlyMap<string, string>;
}

export class Invariants {
  readonly #graph: Graph;
  readonly #beganAt: number;
  readonly #folded = new Map<string, string>();
  readonly #live = new Set<string>();
  readonly #bytes = new Map<string, Json>();

  constructor(graph: Graph, beganAt: number) {
    this.#graph = graph;
    this.#beganAt = beganAt;
  }

  /** Throws where the decision breaks one of them. */
  checkDecision(before: ExecutionState, event: EngineEvent, decision: Decision): void {
    checkEndedUntouched(before, event, decision);
    checkLetEnd(before, decision);
    this.#checkStarts(before, decision);
    this.#checkAttempts(decision);
    this.#checkFold(decision);
  }

  /** I1 and I4, and that nothing starts in an execution that is held, queued or failing. */
  #checkStarts(before: ExecutionState, { state, commands, events }: Decision): void {
    const begins = commands.filter(({ kind }) => kind === "perform" || kind === "startChild" || kind === "evaluate");
    if (state.status === "queued" || before.failing !== null) check(begins.length === 0, "Something was started");
    for (const command of commands) {
      if (command.kind !== "perform") continue;
      const step = stepOf(state, command.stepId);
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
    for (const step of state.steps.values()) {
      if (step.status === "pending" || step.status === "cancelled") continue;
      const undecided = entriesOf(this.#graph, step.id).filter(
        (entry) => !isStepEnded(stepOf(state, entry.step).status),
      );
      check(undecided.length === 0, `'${step.id}' is ${step.status} before its entries are decided (I4)`);
    }
  }

  /** I4: each start of an attempt is matched by one end. */
  #checkAttempts({ state, events, attempts }: Decision): void {
    for (const event of events) {
      if (event.type !== "attempt.started") continue;
      const key = `${event.stepId}/${stepOf(state, event.stepId ?? "").iter}/${event.attempt}`;
      check(!this.#live.has(key), `Attempt ${key} starts twice`);
      this.#live.add(key);
    }
    for (const { stepId, iter, attempt, startedAt } of attempts) {
      check(this.#live.delete(`${stepId}/${iter}/${attempt}`), `Attempt ${stepId}/${iter}/${attempt} ends twice`);
      check(startedAt >= this.#beganAt, `Attempt ${stepId}/${iter}/${attempt} has no start`);
    }
    const live = [...state.steps.values()].filter(({ sentAt, wait }) => sentAt !== null || wait === "child");
    const keys = new Set(live.map(({ id, iter, attempt }) => `${id}/${iter}/${attempt}`));
    if (keys.symmetricDifference(this.#live).size > 0) checkEqual(this.#live, keys, "Live attempts");
  }

  /** I2: the history says all. */
  #checkFold({ state, events }: Decision): void {
    for (const { type, stepId } of events) {
      const [of, status = ""] = type.split(".");
      if (of === "execution") this.#folded.set("", status);
      if (of === "step") this.#folded.set(stepId ?? "", status);
    }
    check((this.#folded.get("") ?? "queued") === state.status, "The history does not fold to the execution's status");
    for (const { id, status } of state.steps.values()) {
      check(
        (this.#folded.get(id) ?? pendingStep(id).status) === status,
        `The history does not fold to that of '${id}'`,
      );
    }
  }

  /** I5: what runs is under way, what waits has a time or a child, what is pending has something above it. */
  checkWaker(state: ExecutionState, { evaluating, performing, children }: UnderWay): void {
    if (isEnded(state.status)) return;
    for (const step of state.steps.values()) {
      if (step.status === "running") {
        check(
          step.sentAt === null ? evaluating.has(step.id) : performing.has(step.id),
          `Nobody runs '${step.id}' (I5)`,
        );
      }
      if (step.status === "waiting") {
        check(step.dueAt !== null || children.has(step.childId ?? ""), `Nothing wakes '${step.id}' (I5)`);
      }
      if (step.status === "pending" && state.status !== "queued") {
        const open = entriesOf(this.#graph, step.id).some((entry) => !isStepEnded(stepOf(state, entry.step).status));
        check(open, `'${step.id}' is pending although its entries are decided (I5)`);
      }
    }
    if (state.status !== "queued" && [...state.steps.values()].every(({ status }) => isStepEnded(status))) {
      check(evaluating.has(null), "Nothing is left, and the execution has not ended (I5)");
    }
    for (const [stepId, attempt] of performing) {
      const step = stepOf(state, stepId);
      check(
        step.status === "running" && step.attempt === attempt,
        `Nobody waits for attempt ${attempt} of '${stepId}'`,
      );
    }
    for (const [childId, stepId] of children) {
      check(stepOf(state, stepId).childId === childId, `Nobody waits for child '${childId}' of '${stepId}'`);
    }
    if (state.status === "waiting") {
      check(evaluating.size === 0 && performing.size === 0, "Parked while something runs (I5, T8)");
    }
  }
}

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
  check(decision.state.status !== "queued" || before.status === "queued", "Queued once more");
}

/** "Attempts that are running are let end": a failure that nothing handles cuts none of them off. */
function checkLetEnd(before: ExecutionState, { state }: Decision): void {
  if (before.failing !== null || state.failing === null || state.error?.code === "EXECUTION_TIMEOUT") return;
  for (const { id, status, sentAt } of before.steps.values()) {
    const cutOff = status === "running" && sentAt !== null && state.steps.get(id)?.status === "cancelled";
    check(!cutOff, `The attempt of '${id}' was not let end`);
  }
}

function stepOf(state: ExecutionState, id: string): StepState {
  const step = state.steps.get(id);
  if (step === undefined) throw new Error(`No step '${id}'`);
  return step;
}

function entriesOf(graph: Graph, id: string) {
  return graph.byId.get(id)?.entries ?? [];
}

export function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  if (Object.is(actual, expected)) return;
  expect({ [what]: actual }).toEqual({ [what]: expected });
}
