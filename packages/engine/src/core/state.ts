// What the engine knows of one execution. Plain data: folded by decide(), stored and loaded by the store.
// All times are PostgreSQL's, in epoch milliseconds.
import type { ExecutionStatus, Json, StepError, StepStatus } from "@keelson/contracts";

/** Why a step run stands where it stands; the text is made of it when somebody asks (`explain`). */
export interface Reason {
  readonly code: ReasonCode;
  readonly values: { readonly [name: string]: Json };
}

export type ReasonCode =
  | "ROOT"
  | "ENTRIES_TAKEN"
  | "NO_ENTRY_TAKEN"
  | "ENTRY_DEAD"
  | "WAITS_FOR_ENTRIES"
  | "DELAYED"
  | "RETRY_SCHEDULED"
  | "CHILD_RUNNING"
  | "ATTEMPTS_USED_UP"
  | "NOT_RETRYABLE"
  | "EXECUTION_FAILED"
  | "EXECUTION_CANCELLED"
  | "EXECUTION_TIMED_OUT"
  | "WORKER_LOST";

/** What a waiting step run waits for. */
export type WaitKind = "delay" | "backoff" | "child";

/** A step's output: here, or in PostgreSQL and loaded when an expression names it. */
export type Output =
  | { readonly kind: "none" }
  | { readonly kind: "value"; readonly value: Json }
  | { readonly kind: "stored" };

export interface StepState {
  readonly id: string;
  readonly status: StepStatus;
  /** Which run of this step this is, from 1; a manual retry that runs it anew adds one. */
  readonly iter: number;
  /** The suffix of the `Idempotency-Key`: as `iter`, but kept where the last outcome is unknown. */
  readonly keyIter: number;
  /** Attempts started in this iter, those cut off by a crash included. */
  readonly attempt: number;
  /** Attempts of this iter that count against `maxAttempts`. */
  readonly failures: number;
  readonly wait: WaitKind | null;
  /** When the delay or the backoff ends, or the child's time is up. */
  readonly dueAt: number | null;
  readonly branch: string | null;
  /** The resolved input, frozen before the effect: a retry sends the same bytes. */
  readonly input: Json | null;
  readonly output: Output;
  readonly error: StepError | null;
  /** The last attempt may have reached its target with an outcome nobody knows. */
  readonly inDoubt: boolean;
  readonly childId: string | null;
  readonly startedAt: number | null;
  /** When the running attempt was started. */
  readonly sentAt: number | null;
  readonly finishedAt: number | null;
  readonly reason: Reason | null;
}

export interface ExecutionState {
  readonly id: string;
  readonly status: ExecutionStatus;
  /** Accepted while its workflow was paused: nothing is started, a cancel or its deadline ends it. */
  readonly held: boolean;
  /** The first failure that nothing can handle: what runs is let end, nothing new begins. */
  readonly failing: StepError | null;
  readonly startedAt: number | null;
  readonly deadlineAt: number | null;
  /** Every step of the version, in the document's order. */
  readonly steps: ReadonlyMap<string, StepState>;
  readonly output: Json | null;
  readonly error: StepError | null;
}

/** A step run that nothing has happened to yet. */
export function pendingStep(id: string): StepState {
  return {
    id,
    status: "pending",
    iter: 1,
    keyIter: 1,
    attempt: 0,
    failures: 0,
    wait: null,
    dueAt: null,
    branch: null,
    input: null,
    output: { kind: "none" },
    error: null,
    inDoubt: false,
    childId: null,
    startedAt: null,
    sentAt: null,
    finishedAt: null,
    reason: null,
  };
}
