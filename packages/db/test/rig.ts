// A real runner over the real stores, with step kinds that touch nothing: an http step's effect lasts until the test
// answers it. Ticks and offers are made by hand.
import type { Json } from "@keelson/contracts";
import {
  createPgClock,
  createRunner,
  type EffectResult,
  type ExecutionRef,
  type ExecutionStore,
  type LeaseStore,
  type Runner,
  type StepKinds,
  untracedExecutions,
} from "@keelson/engine";
import { v7 as newId } from "uuid";
import { createDefinitionStore, createExecutionStore, createLeaseStore, type Database } from "../src/index.ts";
import type { World } from "./world.ts";

export interface Effect {
  readonly key: string;
  readonly aborted: boolean;
  succeed(output: Json): void;
  end(result: EffectResult): void;
}

export interface Rig {
  readonly runner: Runner;
  readonly store: ExecutionStore;
  /** Every effect begun, in order. */
  readonly effects: Effect[];
  readonly hints: { readonly wakes: (ExecutionRef & { delayMs: number })[]; readonly mails: ExecutionRef[] };
  /** What was logged: lost incarnations, leases given back, failures. */
  readonly log: { readonly kind: string; readonly id: string }[];
  /** How each commit left an execution. */
  readonly commits: { readonly id: string; readonly status: string; readonly released: boolean }[];
  workerId(): string;
  stop(): Promise<void>;
}

export interface RigOptions {
  readonly concurrency?: number;
  readonly leaseTtlMs?: number;
  /** Hints to wake or to read mail reach this runner; else they are recorded and lost. */
  readonly hinted?: boolean;
  /** Where its statements go, for faults and counts. */
  readonly worker?: Database;
  readonly wrapStore?: (store: ExecutionStore) => ExecutionStore;
  readonly wrapLeases?: (leases: LeaseStore) => LeaseStore;
}

export function createRig(world: World, options: RigOptions = {}): Rig {
  const db = options.worker ?? world.worker;
  const effects: Effect[] = [];
  const log: { kind: string; id: string }[] = [];
  const commits: Rig["commits"][number][] = [];
  const hints: Rig["hints"] = { wakes: [], mails: [] };
  const clock = createPgClock(newId);
  const pgLeases = createLeaseStore(db, { url: world.workerUrl, applicationName: "rig", stats: () => ({}) });
  const leases: LeaseStore = options.wrapLeases?.(pgLeases) ?? pgLeases;
  const store = options.wrapStore?.(createExecutionStore(db)) ?? createExecutionStore(db);
  let workerId = "";
  let stopped = false;
  const note = (kind: string) => (ref: ExecutionRef) => void log.push({ kind, id: ref.executionId });
  const offer = (ref: ExecutionRef): void => {
    if (!stopped) void runner.offer(ref).catch(() => note("offerFailed")(ref));
  };
  const runner = createRunner(
    {
      store,
      leases,
      definitions: createDefinitionStore(db, { nameTtlMs: 60_000 }),
      secrets: { read: () => Promise.resolve(new Map()) },
      kinds: fakeKinds(effects),
      tracing: untracedExecutions,
      checkInput: () => [],
      clock,
      calibrate: clock.calibrate,
      hints: {
        wake(ref, delayMs) {
          hints.wakes.push({ tenantId: ref.tenantId, executionId: ref.executionId, delayMs });
          // A little late, as a queue's are.
          if (options.hinted === true && delayMs < 1_000) setTimeout(() => offer(ref), delayMs + 25);
        },
        mail(ref) {
          hints.mails.push(ref);
          if (options.hinted === true) runner.mail(ref.executionId);
        },
      },
      observer: {
        committed: ({ executionId }, { state, released }) =>
          void commits.push({ id: executionId, status: state.status, released }),
        attempted: () => undefined,
      },
      log: {
        sessionFailed: (ref, error) => {
          log.push({ kind: `sessionFailed ${String(error)}`, id: ref.executionId });
        },
        incarnationBegan: (id) => {
          workerId = id;
        },
        incarnationLost: (id) => void log.push({ kind: "incarnationLost", id }),
        tickFailed: (error) => void log.push({ kind: `tickFailed ${String(error)}`, id: "" }),
        leaseGivenBack: note("leaseGivenBack"),
      },
    },
    { name: "rig", leaseTtlMs: options.leaseTtlMs ?? 60_000, concurrency: options.concurrency ?? 16 },
  );
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await runner.stop(0);
    await pgLeases.close();
  };
  world.onClose(stop);
  return { runner, store, effects, hints, log, commits, workerId: () => workerId, stop };
}

/** Transforms and conditions yield their config, delays last 80 ms, http steps wait to be answered. */
function fakeKinds(effects: Effect[]): StepKinds {
  return {
    transform: { evaluate: ({ step }) => ({ kind: "output", output: configOf(step.definition, "output") }) },
    condition: { evaluate: () => ({ kind: "branch", branch: "true" }) },
    delay: { evaluate: ({ step, at }) => ({ kind: "until", untilAt: at + Number(configOf(step.definition, "for")) }) },
    subworkflow: {
      evaluate: ({ compiled, planChild }) => {
        if (compiled.type !== "subworkflow") throw new Error("No subworkflow");
        return planChild({ workflow: compiled.workflow, version: null, input: null, wait: compiled.wait });
      },
    },
    http: {
      evaluate: () => ({ kind: "request", input: { url: "http://example.test/" } }),
      perform: ({ idempotencyKey, signal }) =>
        new Promise((resolve) => {
          const end = (result: EffectResult): void => resolve(result);
          const succeed = (output: Json): void =>
            end({ outcome: { kind: "succeeded", output }, request: null, response: null });
          effects.push({
            key: idempotencyKey,
            get aborted() {
              return signal.aborted;
            },
            succeed,
            end,
          });
          signal.addEventListener("abort", () =>
            end({
              outcome: {
                kind: "failed",
                error: { code: "HTTP_NETWORK", message: "aborted" },
                retryable: true,
                inDoubt: true,
              },
              request: null,
              response: null,
            }),
          );
        }),
    },
  };
}

function configOf(step: { readonly config: object }, name: string): Json {
  return (step.config as Record<string, Json>)[name] ?? null;
}
