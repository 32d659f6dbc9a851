// A store under test, with what its cases need besides the engine's ports: starts, what people do, and a look at the rows.
import type { Json, StepError } from "@keelson/contracts";
import type { HistoryEvent } from "../../../core/messages.ts";
import type { StepState } from "../../../core/state.ts";
import type {
  ChildStart,
  ClaimedExecution,
  CommitItem,
  CommitVerdict,
  ExecutionRef,
  ExecutionStore,
  Summary,
} from "../../ports.ts";
import type { SweepStore } from "../../sweep.ts";

export interface Started extends ExecutionRef {
  readonly workflowId: string;
  readonly versionId: string;
}

export interface StoreSubject {
  readonly store: ExecutionStore;
  readonly sweeps: SweepStore;
  /** An execution of a new tenant's new workflow, free and due. */
  startOne(input?: Json): Promise<Started>;
  workflow(tenantId: string): Promise<{ workflowId: string; versionId: string }>;
  registerWorker(ttlMs: number): Promise<string>;
  /** Its lease is over. */
  expireWorker(workerId: string): Promise<void>;
  /** One commit by itself; rejects in the store's own words where it refuses. */
  commit(workerId: string, item: CommitItem): Promise<CommitVerdict>;
  /** As it stands, without a lease. */
  read(
    ref: ExecutionRef,
  ): Promise<(ClaimedExecution & { readonly output: Json | null; readonly error: StepError | null }) | null>;
  retry(reopening: RetryOf): Promise<"retried" | "held" | "stale">;
  pause(tenantId: string, workflowId: string): Promise<unknown>;
  /** How many it has freed. */
  resume(tenantId: string, workflowId: string): Promise<number | null>;
  /** Gives it a time to end in, counted from its first claim. */
  setTimeoutMs(ref: ExecutionRef, timeoutMs: number): Promise<void>;
  /** Tries to change a row that has ended. */
  rewrite(ref: ExecutionRef): Promise<unknown>;
  factsOf(ref: ExecutionRef): Promise<Facts>;
  mailOf(ref: ExecutionRef): Promise<number>;
  attemptsOf(ref: ExecutionRef): Promise<{ startedAt: number; finishedAt: number }[]>;
  batchesOf(ref: ExecutionRef): Promise<{ firstSeq: number; lastSeq: number; items: readonly HistoryEvent[] }[]>;
  close(): Promise<void>;
}

export interface Facts {
  readonly status: string;
  readonly owner: string | null;
  readonly epoch: number;
  readonly held: boolean;
  /** Its time has come. */
  readonly due: boolean;
  /** A sweep will look at it. */
  readonly swept: boolean;
  readonly output: Json;
}

export interface RetryOf extends ExecutionRef {
  readonly gen: number;
  readonly seq: number;
  readonly events: readonly HistoryEvent[];
  readonly steps: readonly StepState[];
  readonly summary: Summary;
  readonly deadlineAt: number | null;
  readonly nowAt: number;
  readonly parentGen: number | null;
}

export async function claimOne(
  { store }: StoreSubject,
  workerId: string,
  ref: ExecutionRef,
): Promise<ClaimedExecution> {
  const [answer] = await store.claim(workerId, [ref]);
  if (answer?.kind !== "claimed") throw new Error(`Not claimed: ${JSON.stringify(answer)}`);
  return answer.execution;
}

/** Given back and claimed anew, so that everything has been through the store. */
export async function claimAgain(
  subject: StoreSubject,
  workerId: string,
  ref: ExecutionRef,
): Promise<ClaimedExecution> {
  await subject.store.letGo(workerId, [ref], 0);
  return claimOne(subject, workerId, ref);
}

/** A child for the parent's step `call`, of the parent's own workflow. */
export function childOf(parent: Started, changes: Partial<ChildStart> = {}): ChildStart {
  return {
    executionId: crypto.randomUUID(),
    workflowId: parent.workflowId,
    workflowName: "child",
    versionId: parent.versionId,
    version: 1,
    input: { from: "parent" },
    trigger: { type: "subworkflow" },
    timeoutMs: null,
    deadlineAt: null,
    nesting: 1,
    parent: { executionId: parent.executionId, stepId: "call", gen: 1 },
    quietFailure: true,
    trace: null,
    ...changes,
  };
}

/** The subject, once it is open, and a worker that lives through all cases. */
export interface Ground {
  readonly subject: StoreSubject;
  readonly worker: string;
}
