// Plays one execution by hand: the test says what attempts and children yield, and templates evaluate at once.
// Every state handed to decide() is frozen.
import type { JsonObject, StepErrorCode } from "@keelson/contracts";
import type { Graph } from "@keelson/dag";
import { decide, type Decision } from "../decide.ts";
import type { FinishedAttempt } from "../draft.ts";
import type { ChildResult, Command, EngineEvent, Evaluation, HistoryEvent, OutputResult } from "../messages.ts";
import type { ExecutionState, StepState } from "../state.ts";
import { deepFreeze, queuedExecution, workflowOf, type StepDocument } from "./steps.ts";

export const BEGAN_AT = Date.UTC(2026, 0, 1);
export const DELAY_MS = 1000;

export interface PlayOptions {
  /** What a step's templates come to, where it is not the usual; a text is the branch of a condition. */
  readonly evaluations?: { readonly [stepId: string]: Evaluation | string };
  readonly output?: OutputResult;
  readonly execution?: Partial<ExecutionState>;
}

export interface FailOptions {
  readonly code?: StepErrorCode;
  /** Default true. */
  readonly retryable?: boolean;
  readonly inDoubt?: boolean;
  readonly retryAfterMs?: number;
  readonly random?: number;
}

export class Play {
  readonly graph: Graph;
  state: ExecutionState;
  at = BEGAN_AT;
  readonly events: HistoryEvent[] = [];
  readonly commands: Command[] = [];
  readonly attempts: FinishedAttempt[] = [];
  readonly #options: PlayOptions;
  #children = 0;

  constructor(steps: readonly StepDocument[], options: PlayOptions = {}) {
    this.graph = workflowOf(steps).graph;
    this.#options = options;
    this.state = queuedExecution(this.graph, options.execution);
  }

  /** Feeds one event, and evaluates whatever is asked for in consequence. */
  feed(event: EngineEvent): Decision {
    const decision = decide(this.graph, deepFreeze(this.state), deepFreeze(event));
    this.state = decision.state;
    this.events.push(...decision.events);
    this.commands.push(...decision.commands);
    this.attempts.push(...decision.attempts);
    for (const command of decision.commands) {
      if (command.kind === "evaluate" && this.step(command.stepId).status === "running") {
        this.feed({ kind: "evaluated", at: this.at, stepId: command.stepId, result: this.#evaluate(command.stepId) });
      }
      if (command.kind === "evaluateOutput") {
        this.feed({ kind: "outputEvaluated", at: this.at, result: this.#options.output ?? { ok: true, output: null } });
      }
    }
    return decision;
  }

  claim(losses = 0): this {
    this.feed({ kind: "claimed", at: this.at, losses });
    return this;
  }

  succeed(stepId: string): this {
    const { attempt } = this.step(stepId);
    const outcome = { kind: "succeeded" as const, output: { of: stepId } };
    this.feed({ kind: "attemptEnded", at: this.at, stepId, attempt, outcome, random: 0 });
    return this;
  }

  fail(stepId: string, how: FailOptions = {}): this {
    const { attempt } = this.step(stepId);
    const { code = "HTTP_STATUS", retryable = true, inDoubt = false, random = 0, retryAfterMs } = how;
    const outcome = { kind: "failed" as const, error: { code, message: `${stepId} failed` }, retryable, inDoubt };
    const wish = retryAfterMs === undefined ? {} : { retryAfterMs };
    this.feed({ kind: "attemptEnded", at: this.at, stepId, attempt, outcome: { ...outcome, ...wish }, random });
    return this;
  }

  /** The child of the step, or any other, has ended. */
  childEnds(stepId: string, status: ChildResult["status"], childId = this.step(stepId).childId ?? "none"): this {
    const result: ChildResult = status === "succeeded" ? { status, output: { of: childId } } : { status, error: null };
    this.feed({ kind: "childEnded", at: this.at, stepId, childId, result, random: 0 });
    return this;
  }

  later(ms: number): this {
    this.at += ms;
    this.feed({ kind: "timerFired", at: this.at, random: 0 });
    return this;
  }

  cancel(): this {
    this.feed({ kind: "cancelRequested", at: this.at });
    return this;
  }

  wake(stepId: string): this {
    this.feed({ kind: "stepWoken", at: this.at, stepId, random: 0 });
    return this;
  }

  park(): this {
    this.feed({ kind: "parked", at: this.at });
    return this;
  }

  retry(from: string | null = null, more: { held?: boolean; deadlineAt?: number } = {}): this {
    const { held = false, deadlineAt = null } = more;
    this.feed({ kind: "retryRequested", at: this.at, from, held, deadlineAt });
    return this;
  }

  step(id: string): StepState {
    const step = this.state.steps.get(id);
    if (step === undefined) throw new Error(`No step '${id}'`);
    return step;
  }

  /** By step id. */
  get statuses(): { readonly [stepId: string]: string } {
    return Object.fromEntries([...this.state.steps.values()].map(({ id, status }) => [id, status]));
  }

  /** How often something of this type was recorded, of one step if one is named. */
  count(type: string, stepId?: string): number {
    return this.events.filter((event) => event.type === type && (stepId === undefined || event.stepId === stepId))
      .length;
  }

  #evaluate(stepId: string): Evaluation {
    const given = this.#options.evaluations?.[stepId];
    if (typeof given === "string") return { kind: "branch", branch: given };
    if (given !== undefined) return given;
    const node = this.graph.byId.get(stepId);
    switch (node?.definition.type) {
      case "http":
        return { kind: "request", input: this.step(stepId).input ?? { body: `of iter ${this.step(stepId).iter}` } };
      case "condition":
        return { kind: "branch", branch: "true" };
      case "delay":
        return { kind: "until", untilAt: this.at + DELAY_MS };
      case "subworkflow": {
        const { wait = true } = node.definition.config;
        this.#children += 1;
        return { kind: "child", input: null, childId: `child-${this.#children}`, wait };
      }
      default:
        return { kind: "output", output: { of: stepId } satisfies JsonObject };
    }
  }
}

export function play(steps: readonly StepDocument[], options?: PlayOptions): Play {
  return new Play(steps, options);
}
