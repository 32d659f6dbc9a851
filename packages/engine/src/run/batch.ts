// The transitions that one commit will carry, gathered over as many decisions as need no commit between them.
import { isEnded } from "@keelson/contracts";
import type { Decision } from "../core/decide.ts";
import type { FinishedAttempt } from "../core/draft.ts";
import type { Command, EngineEvent, HistoryEvent } from "../core/messages.ts";
import type { ExecutionState, StepState } from "../core/state.ts";
import type { AttemptRecord, ChildStart, ClaimedExecution, CommitItem, EffectResult } from "./ports.ts";
import { nextWakeAt, summarise } from "./summary.ts";

export interface Batch {
  /** What was fed, to decide it again should PostgreSQL refuse the values. */
  readonly fed: Fed[];
  readonly events: HistoryEvent[];
  readonly changed: Set<string>;
  readonly attempts: AttemptRecord[];
  readonly children: ChildStart[];
  readonly cancels: string[];
  readonly eaten: string[];
  /** To carry out once committed. */
  readonly performs: Extract<Command, { kind: "perform" }>[];
  readonly aborts: string[];
  progress: boolean;
  /** About, of the values it carries. */
  bytes: number;
}

/** An event with what came along with it: the inbox row it was made of, the record of the effect. */
export interface Fed {
  /** Null for mail that says nothing any more: only its row is used up. */
  readonly event: EngineEvent | null;
  readonly inboxId?: string;
  readonly effect?: EffectResult;
}

export function emptyBatch(): Batch {
  return {
    fed: [],
    events: [],
    changed: new Set(),
    attempts: [],
    children: [],
    cancels: [],
    eaten: [],
    performs: [],
    aborts: [],
    progress: false,
    bytes: 0,
  };
}

/** Adds what a decision recorded; its commands are the caller's. */
export function addDecision(
  batch: Batch,
  executionId: string,
  decision: Decision,
  effect: EffectResult | undefined,
): void {
  batch.events.push(...decision.events);
  for (const id of decision.changed) batch.changed.add(id);
  for (const attempt of decision.attempts) {
    if (attempt.outcome !== "in_doubt" && attempt.outcome !== "cancelled") batch.progress = true;
    batch.attempts.push(attemptRecord(executionId, attempt, decision.state.steps.get(attempt.stepId), effect));
  }
}

function attemptRecord(
  executionId: string,
  attempt: FinishedAttempt,
  step: StepState | undefined,
  effect: EffectResult | undefined,
): AttemptRecord {
  const { keyIter, ...rest } = attempt;
  const isRequest = step?.childId === null;
  return {
    ...rest,
    idempotencyKey: isRequest ? idempotencyKey(executionId, attempt.stepId, keyIter) : null,
    request: effect?.request ?? null,
    response: effect?.response ?? null,
  };
}

/** The same on every attempt of a step run; a manual retry that runs the step anew appends `.2`, `.3`, … */
export function idempotencyKey(executionId: string, stepId: string, keyIter: number): string {
  return keyIter === 1 ? `${executionId}.${stepId}` : `${executionId}.${stepId}.${keyIter}`;
}

export function commitItem(
  execution: ClaimedExecution,
  state: ExecutionState,
  batch: Batch,
  at: { readonly epoch: number; readonly seq: number; readonly nowAt: number; readonly release: boolean },
  labels: { readonly [name: string]: string } | null,
): CommitItem {
  const ended = isEnded(state.status);
  const changed = [...batch.changed].flatMap((id) => state.steps.get(id) ?? []);
  // A commit always advances seq: it is what makes sending it twice harmless (T6).
  const events = batch.events.length > 0 ? batch.events : [{ type: `execution.${state.status}` }];
  return {
    tenantId: execution.tenantId,
    executionId: execution.executionId,
    epoch: at.epoch,
    seq: at.seq,
    nowAt: at.nowAt,
    events,
    status: state.status,
    failing: state.failing,
    steps: changed,
    attempts: batch.attempts,
    children: batch.children,
    cancels: batch.cancels,
    eaten: batch.eaten,
    progress: batch.progress,
    summary: summarise(state),
    release: at.release && !ended,
    wakeAt: ended ? null : nextWakeAt(state),
    ...(labels === null ? {} : { labels }),
    ...(ended ? { end: { output: state.output, error: state.error, parent: execution.parent } } : {}),
  };
}
