export { decide, MAX_LOSSES, type Decision } from "./core/decide.ts";
export type { FinishedAttempt } from "./core/draft.ts";
export { judgeJoin } from "./core/edges.ts";
export type {
  AttemptOutcome,
  ChildResult,
  Command,
  EngineEvent,
  Evaluation,
  HistoryEvent,
  OutputResult,
} from "./core/messages.ts";
export {
  pendingStep,
  type ExecutionState,
  type Output,
  type Reason,
  type ReasonCode,
  type StepState,
  type WaitKind,
} from "./core/state.ts";
export type { Batch } from "./run/batch.ts";
export { initialState } from "./run/folding.ts";
export { createPgClock, type CalibratedClock } from "./run/pg-clock.ts";
export {
  UnstorableError,
  untracedExecutions,
  type AttemptRecord,
  type ChildStart,
  type ClaimAnswer,
  type ClaimedExecution,
  type Clock,
  type CommitItem,
  type CommitVerdict,
  type DefinitionStore,
  type EffectResult,
  type ExecutionRef,
  type ExecutionStore,
  type ExecutionTracing,
  type Hints,
  type InboxItem,
  type LeaseStore,
  type OwnedLease,
  type ParentLink,
  type ResolvedWorkflow,
  type SecretStore,
  type Summary,
  type TickAnswer,
} from "./run/ports.ts";
export { createRunner, type Runner, type RunnerDeps, type RunnerLog, type RunnerOptions } from "./run/runner.ts";
export { createSession, type Session, type SessionDeps, type SessionEnd, type SessionObserver } from "./run/session.ts";
export type { ChildRequest, EvaluateContext, PerformContext, StepKind, StepKinds } from "./run/step-kind.ts";
export { makeStorable, storableText, type Storable } from "./run/storable.ts";
export { summarise } from "./run/summary.ts";
export { reapOnce, sweepOnce, type Found, type SweepStore } from "./run/sweep.ts";
