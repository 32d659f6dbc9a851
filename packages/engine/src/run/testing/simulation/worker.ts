// A worker's process: the engine's own runner, sessions and clock, over a line to the simulated database.
import type { ExecutionRef, Hints } from "../../ports.ts";
import { untracedExecutions, type DefinitionStore } from "../../ports.ts";
import { createPgClock } from "../../pg-clock.ts";
import { createRunner, type Runner } from "../../runner.ts";
import { reapOnce, sweepOnce } from "../../sweep.ts";
import { createSweeps } from "../memory/sweeps.ts";
import type { Tables } from "../memory/tables.ts";
import type { RandomWorkflow } from "../../../core/testing/random-graphs.ts";
import { connect, Line } from "./database.ts";
import { Process, type Schedule } from "./schedule.ts";
import { stepKinds, type Target } from "./target.ts";

const LEASE_TTL_MS = 6_000;
const TICK_MS = 1_800;
/** A worker looks for work itself now and then, lest every hint be lost. */
const SWEEP_MS = 6_000;
const CONCURRENCY = 4;
/** Reads PostgreSQL's time from its ticks alone: what its own clock says of the hour must not matter. */
const BOOTED_MS = 50_000;

export interface Cluster {
  readonly schedule: Schedule;
  readonly tables: Tables;
  readonly target: Target;
  readonly definitions: DefinitionStore;
  readonly workflowOf: (name: string) => RandomWorkflow;
  readonly hints: Hints;
  readonly newId: () => string;
  readonly violated: (rule: string) => void;
}

export class SimulatedWorker {
  readonly process: Process;
  readonly line: Line;
  /** Its present incarnation. */
  workerId: string | null = null;
  readonly #runner: Runner;
  readonly #tables: Tables;

  constructor(name: string, cluster: Cluster) {
    const { schedule, tables, target, violated } = cluster;
    this.#tables = tables;
    this.process = new Process(name, schedule);
    this.line = new Line(this.process, schedule);
    const { store, leases } = connect(tables, this.line, violated);
    const clock = createPgClock(cluster.newId, () => BOOTED_MS + schedule.time.nowMs);
    this.#runner = createRunner(
      {
        store,
        leases: {
          ...leases,
          register: async (name, ttlMs) => {
            const registered = await leases.register(name, ttlMs);
            this.workerId = registered.workerId;
            return registered;
          },
        },
        definitions: cluster.definitions,
        secrets: { read: async () => new Map() },
        kinds: stepKinds(
          cluster.workflowOf,
          () => target.nonce(),
          async (key, input, fate, step) => {
            const effect = target.request(this.workerId, key, input, fate, step);
            await this.process.turn(`hears from the target of ${key}`);
            return effect;
          },
        ),
        checkInput: () => [],
        hints: cluster.hints,
        clock: { ...clock, random: () => 0.5, after: (ms, call) => this.process.after(ms, call) },
        calibrate: clock.calibrate,
        tracing: untracedExecutions,
        observer: { committed: () => undefined, attempted: () => undefined },
        log: {
          sessionFailed: () => undefined,
          incarnationBegan: () => undefined,
          incarnationLost: () => undefined,
          tickFailed: () => undefined,
          leaseGivenBack: () => undefined,
        },
      },
      { name, leaseTtlMs: LEASE_TTL_MS, concurrency: CONCURRENCY },
    );
  }

  get isLive(): boolean {
    return this.process.isAlive && this.#runner.isLive;
  }

  /** Renews its lease, and looks for work, until it is killed. */
  run(): void {
    void this.#tick();
    void this.#sweep();
  }

  async #tick(): Promise<void> {
    for (;;) {
      await this.#runner.tick();
      await this.process.sleep(TICK_MS);
    }
  }

  async #sweep(): Promise<void> {
    const store = createSweeps(this.#tables);
    const found = (refs: readonly ExecutionRef[]): void => {
      for (const ref of refs) void this.offer(ref);
    };
    for (;;) {
      await this.process.sleep(SWEEP_MS);
      await reapOnce(store, found);
      await sweepOnce(store, found);
    }
  }

  async offer(ref: ExecutionRef): Promise<void> {
    await this.process.turn(`is told of ${ref.executionId}`);
    // A claim without an answer: the sweep finds what it may not have taken, the tick what it has.
    await this.#runner.offer(ref).catch(() => undefined);
  }

  async mail(executionId: string): Promise<void> {
    await this.process.turn(`is told of mail to ${executionId}`);
    this.#runner.mail(executionId);
  }

  /** Its connections are gone with it, and so is its advisory lock. */
  kill(): void {
    this.process.kill();
    const row = this.workerId === null ? undefined : this.#tables.workers.get(this.workerId);
    if (row !== undefined) row.locked = false;
  }
}
