// The ports of one session as plain fakes: a store of one row that fences, refuses and loses answers on demand, step
// types whose effects the test ends by hand, and one journal of what happened in which order.
import type { Json } from "@keelson/contracts";
import type { CompiledWorkflow } from "@keelson/dag";
import type { AttemptOutcome, ChildResult } from "../../core/messages.ts";
import type { StepState } from "../../core/state.ts";
import { workflowOf, type StepDocument } from "../../core/testing/steps.ts";
import {
  UnstorableError,
  untracedExecutions,
  type ClaimedExecution,
  type CommitItem,
  type EffectResult,
  type InboxItem,
} from "../ports.ts";
import type { AttemptReport } from "../effects.ts";
import { after } from "../pg-clock.ts";
import { createFewAtOnce } from "../few-at-once.ts";
import { createSession, type Session, type SessionDeps } from "../session.ts";
import type { StepKinds } from "../step-kind.ts";
import { createTurns } from "../turns.ts";

export const NOW = Date.UTC(2026, 0, 1);

export interface WorldOptions {
  readonly document?: { readonly [field: string]: Json };
  readonly execution?: Partial<ClaimedExecution>;
  /** What a transform yields, by step id; the branch of a condition is always `true`, a delay takes 1 s. */
  readonly outputs?: { readonly [stepId: string]: Json };
}

export class World {
  /** `commit`, `begin <step>`, `abort <step>`, in the order in which they happened. */
  readonly journal: string[] = [];
  readonly commits: CommitItem[] = [];
  readonly keys: string[] = [];
  readonly inputs: Json[] = [];
  /** Steps whose outputs were loaded from PostgreSQL. */
  readonly loads: string[] = [];
  inbox: InboxItem[] = [];
  readonly children = new Map<string, ChildResult>();
  live = true;
  /** Called each time the inbox is about to be read. */
  onInboxRead: () => void = () => undefined;
  /** Reading secrets waits for this. */
  secretsGate: Promise<void> = Promise.resolve();
  /** Looking up a sub-workflow waits for this. */
  resolveGate: Promise<void> = Promise.resolve();
  /** Every commit from now on is fenced off. */
  fenced = false;
  /** Commits wait for this before they are written. */
  gate: Promise<void> = Promise.resolve();
  /** What PostgreSQL would not store. */
  refuses: (item: CommitItem) => boolean = () => false;
  /** The next commit is written, and its answer lost. */
  losesAnswer = false;
  readonly workflow: CompiledWorkflow;
  readonly session: Session;
  readonly row: { seq: number; steps: Map<string, StepState>; status: string; released: boolean };
  readonly reports: AttemptReport[] = [];
  readonly #ends = new Map<string, (outcome: AttemptOutcome) => void>();
  #ids = 0;

  constructor(steps: readonly StepDocument[], options: WorldOptions = {}) {
    this.workflow = workflowOf(steps, options.document);
    const execution = { ...claimed(), ...options.execution };
    this.inbox = [...execution.inbox];
    this.row = { seq: execution.seq, steps: new Map(), status: execution.status, released: false };
    this.session = createSession(this.#deps(execution.epoch, options.outputs ?? {}), execution, this.workflow);
  }

  /** What the last commit says of each step it changed. */
  get statuses(): { readonly [stepId: string]: string } {
    return Object.fromEntries([...this.row.steps].map(([id, { status }]) => [id, status]));
  }

  get running(): string[] {
    return [...this.#ends.keys()];
  }

  end(stepId: string, outcome: AttemptOutcome = { kind: "succeeded", output: { of: stepId } }): void {
    const end = this.#ends.get(stepId);
    if (end === undefined) throw new Error(`No attempt of '${stepId}' is under way`);
    this.#ends.delete(stepId);
    end(outcome);
  }

  mail(item: Partial<InboxItem> & Pick<InboxItem, "kind">): void {
    this.#ids += 1;
    this.inbox.push({ id: `mail-${this.#ids}`, stepId: null, sourceId: null, ...item });
  }

  #deps(epoch: number, outputs: { readonly [stepId: string]: Json }): SessionDeps {
    return {
      store: {
        commit: (_worker, item) => this.#commit(epoch, item),
        readInbox: () => {
          this.onInboxRead();
          return Promise.resolve([...this.inbox]);
        },
        loadOutputs: (_ref, stepIds) => {
          this.loads.push(...stepIds);
          return Promise.resolve(new Map());
        },
        loadChildResult: (_tenant, childId) => Promise.resolve(this.children.get(childId) ?? null),
      },
      definitions: {
        loadVersion: () => Promise.resolve(this.workflow),
        resolve: (_tenant, name) =>
          this.resolveGate.then(() => ({ workflowId: "w2", name, status: "active", versionId: "v2", version: 1 })),
      },
      secrets: { read: () => this.secretsGate.then(() => new Map<string, string>()) },
      clock: {
        nowAt: () => Date.now(),
        monotonicMs: () => Date.now(),
        random: () => 0,
        after,
        newId: () => `id-${(this.#ids += 1)}`,
      },
      checkInput: () => [],
      kinds: this.#kinds(outputs),
      tracing: untracedExecutions,
      turns: createTurns({ monotonicMs: () => Date.now(), after }),
      largeCommits: createFewAtOnce(1),
      lease: { workerId: "worker", isLive: () => this.live },
      observer: { committed: () => undefined, attempted: (_execution, report) => void this.reports.push(report) },
    };
  }

  async #commit(epoch: number, item: CommitItem) {
    await this.gate;
    if (this.fenced || item.epoch !== epoch || item.seq !== this.row.seq) {
      this.journal.push("fenced");
      return { kind: "fenced" as const };
    }
    if (this.refuses(item)) {
      this.journal.push("refused");
      throw new UnstorableError("unsupported Unicode escape sequence");
    }
    this.journal.push("commit");
    this.commits.push(item);
    this.row.seq += item.events.length;
    this.row.status = item.status;
    for (const step of item.steps) this.row.steps.set(step.id, step);
    this.inbox = this.inbox.filter(({ id }) => !item.eaten.includes(id));
    if (this.losesAnswer) throw new Error("Connection terminated unexpectedly");
    const mail = this.inbox.length > 0;
    this.row.released = item.release && !mail;
    return { kind: "applied" as const, released: this.row.released, mail };
  }

  #kinds(outputs: { readonly [stepId: string]: Json }): StepKinds {
    return {
      http: {
        evaluate: ({ step, frozen }) => ({ kind: "request", input: frozen ?? { of: step.id } }),
        perform: ({ step, signal, idempotencyKey, input }) => {
          this.journal.push(`begin ${step.id}`);
          this.keys.push(idempotencyKey);
          this.inputs.push(input);
          signal.addEventListener("abort", () => this.journal.push(`abort ${step.id}`));
          return new Promise<EffectResult>((resolve) => {
            this.#ends.set(step.id, (outcome) => resolve({ outcome, request: null, response: null }));
          });
        },
      },
      transform: { evaluate: ({ step }) => ({ kind: "output", output: outputs[step.id] ?? { of: step.id } }) },
      condition: { evaluate: () => ({ kind: "branch", branch: "true" }) },
      delay: { evaluate: ({ at }) => ({ kind: "until", untilAt: at + 1000 }) },
      subworkflow: {
        evaluate: ({ planChild }) => planChild({ workflow: "child", version: null, input: null, wait: true }),
      },
    };
  }
}

/** An execution that has just been claimed for the first time. */
export function claimed(): ClaimedExecution {
  return {
    tenantId: "tenant",
    executionId: "execution",
    workflowId: "w1",
    workflowName: "under-test",
    versionId: "v1",
    version: 1,
    epoch: 7,
    seq: 1,
    gen: 1,
    losses: 0,
    status: "queued",
    held: false,
    failing: null,
    trigger: { type: "api" },
    input: null,
    labels: null,
    parent: null,
    nesting: 0,
    quietFailure: false,
    trace: null,
    nowAt: NOW,
    startedAt: NOW,
    deadlineAt: null,
    steps: [],
    inbox: [],
  };
}
