// The dimensions of the table of every (state, event) pair, and the words in which a decision is written down in it.
import {
  assertNever,
  EXECUTION_STATUSES,
  isEnded,
  type ExecutionStatus,
  type StepError,
  type StepStatus,
} from "@keelson/contracts";
import type { Graph } from "@keelson/dag";
import type { Decision } from "../decide.ts";
import type { Command, EngineEvent, Evaluation } from "../messages.ts";
import { pendingStep, type ExecutionState, type StepState } from "../state.ts";
import { http, queuedExecution, workflowOf, delay, subworkflow } from "./steps.ts";

export const NOW = Date.UTC(2026, 0, 1);
const STARTED = NOW - 60_000;
const FAR = NOW + 3_600_000;

const error: StepError = { code: "HTTP_STATUS", message: "The target answered 500", step: "s" };
const run = { startedAt: STARTED, attempt: 1 };
const ended = { ...run, finishedAt: NOW - 1 };
const child = { wait: "child", childId: "child-1", sentAt: STARTED } as const;

/** How a step run may stand; every status in every way it comes in. `of`: the type of the step. */
export const SHAPES = {
  pending: { pending: { of: "http", step: {} } },
  running: {
    "being evaluated": { of: "http", step: { startedAt: STARTED } },
    "attempt runs": { of: "http", step: { ...run, sentAt: STARTED, input: {} } },
  },
  waiting: {
    "delay due": { of: "delay", step: { ...run, wait: "delay", dueAt: NOW } },
    "delay to come": { of: "delay", step: { ...run, wait: "delay", dueAt: FAR } },
    "backoff due": { of: "http", step: { ...run, wait: "backoff", dueAt: NOW, failures: 1, error, input: {} } },
    "child overdue": { of: "subworkflow", step: { ...run, ...child, dueAt: NOW } },
    "child in time": { of: "subworkflow", step: { ...run, ...child, dueAt: null } },
  },
  succeeded: {
    succeeded: { of: "http", step: { ...ended, output: { kind: "stored" } } },
    "succeeded last": { of: "http", step: { ...ended, output: { kind: "stored" } } },
  },
  failed: { failed: { of: "http", step: { ...ended, failures: 2, error } } },
  skipped: { skipped: { of: "http", step: { finishedAt: NOW - 1 } } },
  cancelled: { cancelled: { of: "http", step: { ...ended, inDoubt: true, input: {} } } },
} satisfies {
  [status in StepStatus]: { [name: string]: { of: "http" | "delay" | "subworkflow"; step: Partial<StepState> } };
};

const cause: StepError = { code: "HTTP_NETWORK", message: "The connection was refused", step: "other" };

/** Events of every kind, in every way that makes a difference to a step `s`. */
export const EVENTS = {
  claimed: {
    claimed: { kind: "claimed", at: NOW, losses: 2 },
    "claimed after three losses": { kind: "claimed", at: NOW, losses: 3 },
    "claimed past the deadline": { kind: "claimed", at: FAR + 1, losses: 0 },
  },
  evaluated: {
    "evaluated: output": evaluated({ kind: "output", output: 1 }),
    "evaluated: branch": evaluated({ kind: "branch", branch: "true" }),
    "evaluated: until to come": evaluated({ kind: "until", untilAt: FAR }),
    "evaluated: until now": evaluated({ kind: "until", untilAt: NOW }),
    "evaluated: request": evaluated({ kind: "request", input: {} }),
    "evaluated: child": evaluated({ kind: "child", input: null, childId: "child-2", wait: true }),
    "evaluated: child on its own": evaluated({ kind: "child", input: null, childId: "child-2", wait: false }),
    "evaluated: failed": evaluated({ kind: "failed", error: { code: "EXPRESSION_FAILED", message: "No" } }),
    "evaluated: of nobody": evaluated({ kind: "output", output: 1 }, "nobody"),
  },
  attemptEnded: {
    "attempt succeeded": attemptEnded({ kind: "succeeded", output: 1 }),
    "attempt failed": attemptEnded({ kind: "failed", error, retryable: true, inDoubt: false }),
    "attempt failed for good": attemptEnded({ kind: "failed", error, retryable: false, inDoubt: true }),
    "another attempt ended": attemptEnded({ kind: "succeeded", output: 1 }, { attempt: 2 }),
    "attempt of nobody ended": attemptEnded({ kind: "succeeded", output: 1 }, { stepId: "nobody" }),
  },
  childEnded: {
    "child succeeded": childEnded({ status: "succeeded", output: 1 }),
    "child failed": childEnded({ status: "failed", error }),
    "child cancelled": childEnded({ status: "cancelled", error: null }),
    "another child ended": childEnded({ status: "succeeded", output: 1 }, { childId: "child-0" }),
    "child of nobody ended": childEnded({ status: "succeeded", output: 1 }, { stepId: "nobody" }),
  },
  timerFired: {
    "timer fired": { kind: "timerFired", at: NOW, random: 0 },
    "timer fired too early": { kind: "timerFired", at: NOW - 1, random: 0 },
    "timer fired at the deadline": { kind: "timerFired", at: FAR + 1, random: 0 },
  },
  outputEvaluated: {
    "output evaluated": { kind: "outputEvaluated", at: NOW, result: { ok: true, output: 1 } },
    "output invalid": {
      kind: "outputEvaluated",
      at: NOW,
      result: { ok: false, error: { code: "OUTPUT_INVALID", message: "No" } },
    },
  },
  cancelRequested: { "cancel requested": { kind: "cancelRequested", at: NOW } },
  holdLifted: { "hold lifted": { kind: "holdLifted", at: NOW } },
  stepWoken: {
    "step woken": { kind: "stepWoken", at: NOW, stepId: "s", random: 0 },
    "nobody woken": { kind: "stepWoken", at: NOW, stepId: "nobody", random: 0 },
  },
  parked: { parked: { kind: "parked", at: NOW } },
  retryRequested: {
    "retry requested": { kind: "retryRequested", at: NOW, from: null, held: false, deadlineAt: null },
    "retry from s requested": { kind: "retryRequested", at: NOW, from: "s", held: true, deadlineAt: FAR },
  },
} satisfies { [kind in EngineEvent["kind"]]: { [name: string]: EngineEvent } };

export interface Pair {
  /** Status, hold and failing of the execution. */
  readonly execution: string;
  readonly event: string;
  readonly shape: string;
  readonly graph: Graph;
  readonly state: ExecutionState;
  readonly fed: EngineEvent;
  /** Whether decisions can lead to the state; those that cannot are asked for totality alone. */
  readonly reachable: boolean;
}

/** Every execution status × held × failing × event × way in which a step may stand. */
export function allPairs(): Pair[] {
  const shapes = Object.entries(SHAPES).flatMap(([status, ways]) =>
    Object.entries<{ of: "http" | "delay" | "subworkflow"; step: Partial<StepState> }>(ways).map(([name, shape]) => ({
      ...shape,
      name,
      status: status as StepStatus,
    })),
  );
  const executions = EXECUTION_STATUSES.flatMap((status) =>
    [false, true].flatMap((held) => [false, true].map((failing) => ({ status, held, failing }))),
  );
  const events = Object.values(EVENTS).flatMap((ways) => Object.entries<EngineEvent>(ways));
  return executions.flatMap((execution) =>
    shapes.flatMap((shape) =>
      events.map(([event, fed]) => ({
        execution: [execution.status, execution.held && "held", execution.failing && "failing"]
          .filter(Boolean)
          .join(", "),
        event,
        shape: shape.name,
        graph: graphs[shape.of],
        state: stateOf(execution, { ...pendingStep("s"), ...shape.step, status: shape.status }, shape.name),
        fed,
        reachable: isReachable(execution, shape.name),
      })),
    ),
  );
}

//  s ──▶ after
//  other
const others = [http("after", ["s"]), delay("other")];
const graphs = {
  http: workflowOf([
    http("s", [], { retry: { maxAttempts: 2, backoff: "fixed", initialDelay: "1s", jitter: false } }),
    ...others,
  ]).graph,
  delay: workflowOf([delay("s"), ...others]).graph,
  subworkflow: workflowOf([subworkflow("s", [], { timeout: "1m" }), ...others]).graph,
};

interface ExecutionShape {
  readonly status: ExecutionStatus;
  readonly held: boolean;
  readonly failing: boolean;
}

function stateOf(execution: ExecutionShape, s: StepState, shape: string): ExecutionState {
  const { status, held, failing } = execution;
  const after: StepState = { ...pendingStep("after"), ...(failing && s.status !== "pending" ? cutOff : behind(s)) };
  const steps = [s, after, { ...pendingStep("other"), ...elsewhere(execution, shape) }];
  return {
    ...queuedExecution(graphs.http),
    status,
    held,
    failing: failing ? cause : null,
    startedAt: STARTED,
    deadlineAt: isEnded(status) ? null : FAR + 1,
    steps: new Map(steps.map((step) => [step.id, step])),
    error: status === "failed" && failing ? cause : null,
  };
}

const cutOff: Partial<StepState> = { status: "cancelled", finishedAt: NOW - 1 };

function behind(s: StepState): Partial<StepState> {
  switch (s.status) {
    case "succeeded":
      return { ...run, status: "succeeded", finishedAt: NOW - 1 };
    case "skipped":
      return { status: "skipped", finishedAt: NOW - 1 };
    case "failed":
    case "cancelled":
      return cutOff;
    default:
      return {};
  }
}

/** The step beside waits for long, or has ended as its execution has; it has failed where that is failing. */
function elsewhere({ status, failing }: ExecutionShape, shape: string): Partial<StepState> {
  if (failing) return { ...ended, status: "failed", failures: 1, error: cause };
  if (isEnded(status) || shape === "succeeded last") return { ...ended, status: "succeeded" };
  return status === "queued" ? {} : { ...run, status: "waiting", wait: "delay", dueAt: FAR };
}

function isReachable({ status, held, failing }: ExecutionShape, shape: string): boolean {
  const hasEnded = ["succeeded", "succeeded last", "failed", "skipped", "cancelled"].includes(shape);
  switch (status) {
    case "queued":
      // What a retry kept, a child of it that goes on, and that child's end while its parent was queued.
      if (failing) return hasEnded && shape !== "succeeded last";
      return shape === "pending" || shape.startsWith("child") || shape.startsWith("succeeded");
    case "running":
      // What is failing waits for running attempts alone.
      if (held || failing) return !held && shape === "attempt runs";
      return !["pending", "failed", "cancelled"].includes(shape);
    case "waiting":
      if (held || failing) return false;
      return !["pending", "being evaluated", "attempt runs", "succeeded last", "failed", "cancelled"].includes(shape);
    case "succeeded":
      return !held && !failing && hasEnded && shape !== "cancelled";
    case "failed":
    case "cancelled":
      return !held && hasEnded;
    default:
      return assertNever(status);
  }
}

/** What a decision did, in one line; empty: nothing. */
export function describeDecision(before: ExecutionState, decision: Decision): string {
  const { state } = decision;
  const execution = [
    state.status === before.status
      ? ""
      : `execution ${state.status}${state.error === null ? "" : ` ${state.error.code}`}`,
    state.failing === before.failing ? "" : `failing ${state.failing?.code ?? "no more"}`,
    state.held === before.held ? "" : state.held ? "held" : "free",
  ];
  const steps = decision.changed.map((id) => `${id} ${state.steps.get(id)?.wait ?? state.steps.get(id)?.status}`);
  const events = decision.events.map(({ type, stepId }) => (stepId === undefined ? type : `${type}(${stepId})`));
  const said = [
    [...execution, ...steps].filter((text) => text !== "").join(", "),
    decision.commands.map(describeCommand).join(", "),
    events.join(", "),
  ];
  return said.every((text) => text === "") ? "" : said.join(" | ").trimEnd();
}

function describeCommand(command: Command): string {
  return "stepId" in command ? `${command.kind}(${command.stepId})` : command.kind;
}

function evaluated(result: Evaluation, stepId = "s"): EngineEvent {
  return { kind: "evaluated", at: NOW, stepId, result };
}

function attemptEnded(
  outcome: Extract<EngineEvent, { kind: "attemptEnded" }>["outcome"],
  of: { stepId?: string; attempt?: number } = {},
): EngineEvent {
  return { kind: "attemptEnded", at: NOW, stepId: "s", attempt: 1, outcome, random: 0, ...of };
}

function childEnded(
  result: Extract<EngineEvent, { kind: "childEnded" }>["result"],
  of: { stepId?: string; childId?: string } = {},
): EngineEvent {
  return { kind: "childEnded", at: NOW, stepId: "s", childId: "child-1", result, random: 0, ...of };
}
