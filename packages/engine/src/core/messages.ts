// What decide() is told (events) and what it asks for (commands). Time, chance and ids come in with the event.
import type { Json, StepError } from "@keelson/contracts";

/** What an attempt of an effect yielded. */
export type AttemptOutcome =
  | { readonly kind: "succeeded"; readonly output: Json }
  | {
      readonly kind: "failed";
      readonly error: StepError;
      readonly retryable: boolean;
      /** The target's wish, from `Retry-After`; capped at the policy's `maxDelay`. */
      readonly retryAfterMs?: number;
      /** The request may have reached its target, and what became of it is unknown. */
      readonly inDoubt: boolean;
    };

/** What a step's templates and expressions came to; evaluating touches nothing outside the process. */
export type Evaluation =
  | { readonly kind: "output"; readonly output: Json }
  | { readonly kind: "branch"; readonly branch: string }
  | { readonly kind: "until"; readonly untilAt: number }
  | { readonly kind: "request"; readonly input: Json }
  | { readonly kind: "child"; readonly input: Json; readonly childId: string; readonly wait: boolean }
  | { readonly kind: "failed"; readonly error: StepError };

export type ChildResult =
  | { readonly status: "succeeded"; readonly output: Json }
  | { readonly status: "failed" | "cancelled"; readonly error: StepError | null };

export type EngineEvent =
  /** A worker took the lease. `losses`: owners lost in a row without an attempt's outcome. */
  | { readonly kind: "claimed"; readonly at: number; readonly losses: number }
  | { readonly kind: "evaluated"; readonly at: number; readonly stepId: string; readonly result: Evaluation }
  | {
      readonly kind: "attemptEnded";
      readonly at: number;
      readonly stepId: string;
      readonly attempt: number;
      readonly outcome: AttemptOutcome;
      /** Chance in [0, 1), for the backoff's jitter. */
      readonly random: number;
    }
  | {
      readonly kind: "childEnded";
      readonly at: number;
      readonly stepId: string;
      readonly childId: string;
      readonly result: ChildResult;
      readonly random: number;
    }
  /** Time has passed: whatever is due at `at` happens. */
  | { readonly kind: "timerFired"; readonly at: number; readonly random: number }
  | { readonly kind: "outputEvaluated"; readonly at: number; readonly result: OutputResult }
  | { readonly kind: "cancelRequested"; readonly at: number }
  | { readonly kind: "holdLifted"; readonly at: number }
  /** Somebody wants a waiting step (delay, backoff) to be due now. */
  | { readonly kind: "stepWoken"; readonly at: number; readonly stepId: string; readonly random: number }
  /** Nothing is running, ready or undelivered: the lease may be released. */
  | { readonly kind: "parked"; readonly at: number }
  /** An ended execution goes on; `from` adds an ended step and all downstream of it. */
  | {
      readonly kind: "retryRequested";
      readonly at: number;
      readonly from: string | null;
      readonly held: boolean;
      readonly deadlineAt: number | null;
    };

export type OutputResult =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly error: StepError };

export type Command =
  /** Evaluate the step's templates and feed `evaluated`; needs no commit before. */
  | { readonly kind: "evaluate"; readonly stepId: string }
  | { readonly kind: "evaluateOutput" }
  /** Carry out the effect once the transition is committed (I1), and feed `attemptEnded`. */
  | { readonly kind: "perform"; readonly stepId: string; readonly attempt: number }
  /** Break off a running effect. */
  | { readonly kind: "abort"; readonly stepId: string }
  /** Insert the child in the commit that makes its step wait. */
  | { readonly kind: "startChild"; readonly stepId: string; readonly childId: string; readonly wait: boolean }
  | { readonly kind: "cancelChild"; readonly stepId: string; readonly childId: string }
  /** The step goes on with the child it had: retry that child, or take it over if it has succeeded since. */
  | { readonly kind: "retryChild"; readonly stepId: string; readonly childId: string };

/** A recorded transition, as `GET /executions/:id/events` shows it; never a payload. */
export interface HistoryEvent {
  readonly type: string;
  readonly stepId?: string;
  readonly attempt?: number;
  readonly data?: { readonly [name: string]: Json };
}
