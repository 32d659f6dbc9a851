// What the runner needs of the world, declared by the one who needs it.
import type { ExecutionStatus, Json, StepError, TraceContext, TriggerType } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import type { AttemptOutcome, ChildResult, HistoryEvent } from "../core/messages.ts";
import type { StepState } from "../core/state.ts";

export interface ExecutionRef {
  readonly tenantId: string;
  readonly executionId: string;
}

/** What stands in another execution's way of speaking to this one: nobody but the holder writes an execution's row. */
export interface InboxItem {
  readonly id: string;
  readonly kind: "cancel" | "childEnded" | "wake";
  readonly stepId: string | null;
  /** The child that ended. */
  readonly sourceId: string | null;
  /** How it ended, where the claim brought it along. */
  readonly result?: ChildResult | null;
}

export interface ParentLink {
  readonly executionId: string;
  readonly stepId: string;
  /** The parent's generation that waits. */
  readonly gen: number;
}

/** An execution as claimed: the row, its step runs and its inbox, read under the lease. */
export interface ClaimedExecution extends ExecutionRef {
  readonly workflowId: string;
  readonly workflowName: string;
  readonly versionId: string;
  readonly version: number;
  readonly epoch: number;
  readonly seq: number;
  readonly gen: number;
  readonly losses: number;
  /** As it stood before this claim. */
  readonly status: ExecutionStatus;
  readonly held: boolean;
  readonly failing: StepError | null;
  readonly trigger: Json;
  readonly input: Json;
  readonly labels: { readonly [name: string]: string } | null;
  readonly parent: ParentLink | null;
  /** Levels below the root: 0 for an execution that no step started. */
  readonly nesting: number;
  /** Started by a parent's step or by another execution's failure: its own failure starts no `onFailure`. */
  readonly quietFailure: boolean;
  /** Of what started it. */
  readonly trace: TraceContext | null;
  /** PostgreSQL's time of the claim; epoch ms. */
  readonly nowAt: number;
  readonly startedAt: number;
  readonly deadlineAt: number | null;
  /** Those that have left `pending`; outputs above a few KiB are `stored`. */
  readonly steps: readonly StepState[];
  readonly inbox: readonly InboxItem[];
}

export type ClaimAnswer =
  | { readonly kind: "claimed"; readonly execution: ClaimedExecution }
  /** Due, but not for another `inMs` (T14). */
  | { readonly kind: "tooEarly"; readonly ref: ExecutionRef; readonly inMs: number }
  /** Somebody else has it, or it has ended, or there is nothing to do: forget the hint. */
  | { readonly kind: "none"; readonly ref: ExecutionRef };

/** One finished attempt, for the record; what is in flight stands in its step run. */
export interface AttemptRecord {
  readonly stepId: string;
  readonly iter: number;
  readonly attempt: number;
  readonly startedAt: number;
  readonly outcome: "succeeded" | "failed" | "timed_out" | "cancelled" | "in_doubt";
  readonly error: StepError | null;
  readonly nextAttemptAt: number | null;
  readonly idempotencyKey: string | null;
  readonly request: Json | null;
  readonly response: Json | null;
}

export interface ChildStart {
  readonly executionId: string;
  readonly workflowId: string;
  readonly workflowName: string;
  readonly versionId: string;
  readonly version: number;
  readonly input: Json;
  readonly trigger: Json;
  readonly timeoutMs: number | null;
  /** The parent's deadline, where the parent waits for it. */
  readonly deadlineAt: number | null;
  readonly nesting: number;
  /** Null for a child on its own, and for an `onFailure` workflow. */
  readonly parent: ParentLink | null;
  readonly quietFailure: boolean;
  readonly trace: TraceContext | null;
}

export interface Summary {
  /** Step runs by status, pending included. */
  readonly progress: { readonly [status: string]: number };
  /** Up to five steps that run or wait. */
  readonly current: readonly string[];
  readonly retrying: {
    readonly stepId: string;
    readonly attempt: number;
    readonly nextAttemptAt: string;
    readonly errorCode: string;
  } | null;
}

/** One execution's transitions, written whole or not at all. */
export interface CommitItem extends ExecutionRef {
  readonly epoch: number;
  /** The seq it stands at; the commit advances it by the number of events, of which there is at least one. */
  readonly seq: number;
  readonly events: readonly HistoryEvent[];
  readonly status: ExecutionStatus;
  readonly failing: StepError | null;
  /** Changed step runs, whole. `dueAt` is written relative to `nowAt`. */
  readonly steps: readonly StepState[];
  readonly attempts: readonly AttemptRecord[];
  readonly children: readonly ChildStart[];
  /** Cancels for waited-for children. */
  readonly cancels: readonly string[];
  /** Inbox rows that these transitions have used up. */
  readonly eaten: readonly string[];
  /** An attempt's outcome is in it: the count of lost owners starts anew. */
  readonly progress: boolean;
  readonly summary: Summary;
  /** Only in the first commit. */
  readonly labels?: { readonly [name: string]: string };
  /** The caller's estimate of PostgreSQL's time, to which the times above are relative; epoch ms. */
  readonly nowAt: number;
  /** Give the lease back, unless mail has come in the meantime. */
  readonly release: boolean;
  /** When it must be looked at again, if released; null: only mail wakes it. */
  readonly wakeAt: number | null;
  /** Present when the execution ends with this commit; a waiting parent gets its inbox row. */
  readonly end?: { readonly output: Json | null; readonly error: StepError | null; readonly parent: ParentLink | null };
}

/** What a trace is told of an execution, and what is handed on in it. */
export interface ExecutionTracing {
  /** An effect begins; `context` goes with its request. */
  attempt(
    execution: ClaimedExecution,
    attempt: { readonly stepId: string; readonly type: string; readonly attempt: number },
  ): { readonly context: TraceContext | null; ended(outcome: string): void };
  /** The context of what the execution starts in its turn. */
  within(execution: ClaimedExecution): TraceContext | null;
}

/** Hands on what came in. */
export const untracedExecutions: ExecutionTracing = {
  attempt: ({ trace }) => ({ context: trace, ended: () => undefined }),
  within: ({ trace }) => trace,
};

export type CommitVerdict =
  | { readonly kind: "applied"; readonly released: boolean; /** More has come to the inbox. */ readonly mail: boolean }
  /** The lease is lost: stop, touch nothing. */
  | { readonly kind: "fenced" };

/** Raised for one execution's commit that PostgreSQL refuses for its data, whoever sends it (T9). */
export class UnstorableError extends Error {
  override readonly name = "UnstorableError";
}

export interface ExecutionStore {
  /** Takes the leases of those that are free and due, have mail, or are past their deadline; one statement. */
  claim(workerId: string, refs: readonly ExecutionRef[]): Promise<ClaimAnswer[]>;
  /** What of one tenant is free and due or has mail, longest due first; told to nobody else for some seconds. */
  due(tenantId: string, limit: number): Promise<ExecutionRef[]>;
  /** Commits one execution's transitions; may share a round trip with others. Rejects with UnstorableError for bad data. */
  commit(workerId: string, item: CommitItem): Promise<CommitVerdict>;
  readInbox(ref: ExecutionRef): Promise<InboxItem[]>;
  loadOutputs(ref: ExecutionRef, stepIds: readonly string[]): Promise<ReadonlyMap<string, Json>>;
  /** The end of a child; null while it has not ended. */
  loadChildResult(tenantId: string, childId: string): Promise<ChildResult | null>;
  /** Gives leases back untouched: due in `inMs` for whoever comes next (0: at once). */
  letGo(workerId: string, refs: readonly ExecutionRef[], inMs: number): Promise<void>;
}

export interface ResolvedWorkflow {
  readonly workflowId: string;
  readonly name: string;
  readonly status: "active" | "paused" | "archived";
  readonly versionId: string;
  readonly version: number;
}

export interface DefinitionStore {
  /** Immutable, so cached for good (within a bound). */
  loadVersion(tenantId: string, versionId: string): Promise<CompiledWorkflow>;
  /** A workflow by name, in its latest or a given version; null where there is none. */
  resolve(tenantId: string, name: string, version: number | null): Promise<ResolvedWorkflow | null>;
}

export interface SecretStore {
  /** The values of those that exist. Held in memory only while a request is built (I8). */
  read(tenantId: string, names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** An effect's outcome with what the attempt's record keeps of it, redacted. */
export interface EffectResult {
  readonly outcome: AttemptOutcome;
  readonly request: Json | null;
  readonly response: Json | null;
}

export interface Clock {
  /** The best estimate of PostgreSQL's time; epoch ms. */
  nowAt(): number;
  /** Never goes back; for leases and time-outs. */
  monotonicMs(): number;
  /** Calls once, after `delayMs`; what it answers takes that back. Keeps no process alive. */
  after(delayMs: number, call: () => void): () => void;
  /** In [0, 1). */
  random(): number;
  newId(): string;
}

export type { TriggerType };

/** What PostgreSQL says this worker owns. */
export interface OwnedLease extends ExecutionRef {
  readonly epoch: number;
  /** Its inbox holds rows. */
  readonly mail: boolean;
}

export interface TickAnswer {
  /** False: this incarnation has been declared dead, or its lease ran out; it never returns. */
  readonly alive: boolean;
  /** PostgreSQL's time; epoch ms. */
  readonly nowAt: number;
  readonly owned: readonly OwnedLease[];
}

export interface LeaseStore {
  /** A new incarnation of this process as a worker: its id, and PostgreSQL's time; epoch ms. */
  register(name: string, ttlMs: number): Promise<{ readonly workerId: string; readonly nowAt: number }>;
  /** Renews the one lease that all of the worker's executions hang on. */
  tick(workerId: string, ttlMs: number): Promise<TickAnswer>;
  /** A graceful end: what it still owns is due at once, and counts as no loss. */
  retire(workerId: string): Promise<void>;
}

/** Wake-ups over Redis. Hints alone: they may be lost, doubled or late, and sending never rejects. */
export interface Hints {
  /** The execution is due, in `delayMs` (0: now). */
  wake(ref: ExecutionRef, delayMs: number): void;
  /** Something came to its inbox: for the worker that holds it. */
  mail(ref: ExecutionRef): void;
}
