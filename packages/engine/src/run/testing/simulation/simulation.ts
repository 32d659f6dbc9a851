// One interleaving: a few workers, a sweeper and random small workflows, with what goes wrong under way, until all has ended.
// Whatever happens is a turn that the scheduler picks; time is virtual. Then checks.ts looks at what has come of it.
import type { Scheduler } from "fast-check";
import { check } from "../../../core/testing/invariants.ts";
import type { RandomWorkflow } from "../../../core/testing/random-graphs.ts";
import type { DefinitionStore, ExecutionRef, Hints } from "../../ports.ts";
import { reapOnce, sweepOnce } from "../../sweep.ts";
import { ALL_GUARDS, type Guards } from "../memory/guards.ts";
import { notify, pauseWorkflow, resumeWorkflow, startExecution } from "../memory/starts.ts";
import { createSweeps } from "../memory/sweeps.ts";
import { createTables, type Tables } from "../memory/tables.ts";
import type { Case, Fault } from "./cases.ts";
import { checkRows } from "./checks.ts";
import { Process, Schedule, settled } from "./schedule.ts";
import { Target } from "./target.ts";
import { SimulatedWorker, type Cluster } from "./worker.ts";

const BEGAN_AT = Date.UTC(2026, 0, 1);
const SWEEP_MS = 2_000;
/** Time passes so often while there is something to do: a machine too slow for its leases for ever would end nothing. */
const SLOW_TIMES = 25;
const RESTARTED_MS = 1_000;
const SHORT_PAUSE_MS = 1_200;
/** Longer than a lease and what its holder would wait for. */
const LONG_PAUSE_MS = 9_000;
const HOLD_MS = 2_000;
/** Whoever has not ended by then is stuck (I5): all delays and faults together take a fraction of it; ms, and turns. */
const STUCK_MS = 300_000;
const STUCK_TURNS = 20_000;

const INPUT = 3;

export class Simulation {
  readonly tables: Tables;
  readonly target: Target;
  readonly started: ExecutionRef[] = [];
  readonly cancelled = new Set<string>();
  turns = 0;
  readonly #case: Case;
  readonly #schedule: Schedule;
  readonly #cluster: Cluster;
  readonly #workers: SimulatedWorker[] = [];
  #ids = 0;
  #hints = 0;
  #violation: string | null = null;
  #faults: Fault[];

  constructor(theCase: Case, scheduler: Scheduler, guards: Guards = ALL_GUARDS) {
    this.#case = theCase;
    this.#faults = [...theCase.faults].sort((a, b) => a.after - b.after);
    this.#schedule = new Schedule(scheduler);
    this.tables = createTables(() => BEGAN_AT + this.#schedule.time.nowMs, guards);
    const violated = (rule: string): void => void (this.#violation ??= rule);
    this.target = new Target(this.tables, violated);
    const workflowOf = (name: string): RandomWorkflow => (name === "child" ? theCase.child : theCase.root);
    this.#cluster = {
      schedule: this.#schedule,
      tables: this.tables,
      target: this.target,
      definitions: definitionsOf(workflowOf),
      workflowOf,
      hints: this.#sendHints(),
      newId: () => `child-${(this.#ids += 1)}`,
      violated,
    };
  }

  /** To the end of everything; throws where a rule is broken, or nothing comes to an end. */
  async run(): Promise<void> {
    for (let n = 0; n < this.#case.workers; n += 1) this.#startWorker(n);
    void this.#sweep();
    for (let n = 0; n < this.#case.starts; n += 1) void this.#start(n);
    if (this.#case.slow) void this.#letTimePass();
    await settled();
    while (!this.#hasEnded()) await this.#step();
    // What is still under way comes too late for everything, and must change nothing.
    for (const { process } of this.#workers) process.resume();
    while (this.#schedule.waiting > 0) await this.#step();
    checkRows(this, this.#case);
  }

  async #step(): Promise<void> {
    this.turns += 1;
    while ((this.#faults[0]?.after ?? Infinity) <= this.turns) this.#strike(this.#faults.shift());
    if (this.#schedule.waiting > 0) await this.#schedule.step();
    else {
      this.#schedule.time.pass();
      await settled();
    }
    check(this.#violation === null, `${this.#violation}`);
    if (this.#schedule.time.nowMs > STUCK_MS || this.turns > STUCK_TURNS) this.#sayStuck();
  }

  #hasEnded(): boolean {
    const rows = [...this.tables.executions.values()];
    return this.started.length === this.#case.starts && rows.every(({ finishedAt }) => finishedAt !== null);
  }

  #sayStuck(): never {
    const stuck = [...this.tables.executions.values()].filter(({ finishedAt }) => finishedAt === null);
    const facts = stuck.map(({ executionId, status, owner, wakeAt, held, steps }) => ({
      executionId,
      status,
      owner,
      wakeAt,
      held,
      steps: [...steps.values()].map(({ id, status, wait }) => `${id} ${status} ${wait ?? ""}`),
    }));
    throw new Error(`stuck (I5): ${JSON.stringify(facts)}`);
  }

  #startWorker(n: number): void {
    const worker = new SimulatedWorker(`worker ${n}`, this.#cluster);
    this.#workers[n] = worker;
    worker.run();
  }

  async #start(n: number): Promise<void> {
    await this.#schedule.turn(`start root-${n}`);
    const ref = { tenantId: `tenant-${n}`, executionId: `root-${n}` };
    const workflow = workflowRow(this.tables, ref.tenantId, "root");
    workflowRow(this.tables, ref.tenantId, "child");
    startExecution(this.tables, ref, workflow, { v: INPUT });
    this.started.push(ref);
    this.#cluster.hints.wake(ref, 0);
  }

  async #letTimePass(): Promise<void> {
    for (let times = 0; times < SLOW_TIMES && !this.#hasEnded(); times += 1) {
      await this.#schedule.turn("time passes");
      if (this.#schedule.time.isComing) this.#schedule.time.pass();
    }
  }

  async #sweep(): Promise<void> {
    const process = new Process("sweeper", this.#schedule);
    const store = createSweeps(this.tables);
    const found = (refs: readonly ExecutionRef[]): void => {
      for (const ref of refs) this.#cluster.hints.wake(ref, 0);
    };
    for (;;) {
      await process.sleep(SWEEP_MS);
      await reapOnce(store, found);
      await sweepOnce(store, found);
    }
  }

  /** To one of those that live; some are lost, some come twice. */
  #sendHints(): Hints {
    const next = (): number => {
      const fate = this.#case.hints[this.#hints] ?? "comes";
      this.#hints += 1;
      return { comes: 1, lost: 0, doubled: 2 }[fate];
    };
    const tell = (worker: (live: readonly SimulatedWorker[]) => unknown): void => {
      const live = this.#workers.filter(({ isLive }) => isLive);
      if (live.length > 0) worker(live);
    };
    return {
      wake: (ref, delayMs) => {
        for (let copies = next(); copies > 0; copies -= 1) {
          const turn = this.#hints + copies;
          this.#schedule.time.after(delayMs, () => tell((live) => void live[turn % live.length]?.offer(ref)));
        }
      },
      mail: (ref) => {
        if (next() > 0) tell((live) => live.forEach((worker) => void worker.mail(ref.executionId)));
      },
    };
  }

  #strike(fault: Fault | undefined): void {
    if (fault === undefined) return;
    const n = fault.pick % this.#case.workers;
    const worker = this.#workers[n];
    const root = this.started[fault.pick % Math.max(1, this.started.length)];
    const { time } = this.#schedule;
    switch (fault.kind) {
      case "crash":
        worker?.kill();
        time.after(RESTARTED_MS, () => this.#startWorker(n));
        return;
      case "pauseShortly":
      case "pausePastLease":
        worker?.process.pause();
        time.after(fault.kind === "pauseShortly" ? SHORT_PAUSE_MS : LONG_PAUSE_MS, () => worker?.process.resume());
        return;
      case "loseClaim":
        return void worker?.line.losses.claim.push("answer");
      case "delayClaim":
        return void worker?.line.losses.claim.push("late");
      case "loseCommit":
        return void worker?.line.losses.commit.push("answer");
      case "delayCommit":
        return void worker?.line.losses.commit.push("late");
      case "commitTwiceUnanswered":
        return void worker?.line.losses.commit.push("late", "late");
      case "cancel":
        if (root !== undefined && notify(this.tables, root, { kind: "cancel" }) === "sent") {
          this.cancelled.add(root.executionId);
          this.#cluster.hints.mail(root);
        }
        return;
      case "wake":
        if (root !== undefined) notify(this.tables, root, { kind: "wake", stepId: `s${fault.pick}` });
        return;
      case "holdRoot":
      case "holdChild":
        return this.#hold(fault.kind === "holdRoot" ? "root" : "child", fault.pick % this.#case.starts);
    }
  }

  #hold(name: string, tenant: number): void {
    const { workflowId } = workflowRow(this.tables, `tenant-${tenant}`, name);
    pauseWorkflow(this.tables, workflowId);
    this.#schedule.time.after(HOLD_MS, () => void resumeWorkflow(this.tables, workflowId));
  }
}

/** Laid down when it is first asked for. */
function workflowRow(tables: Tables, tenantId: string, name: string) {
  const workflowId = `${name} of ${tenantId}`;
  const row = tables.workflows.get(workflowId) ?? {
    tenantId,
    workflowId,
    name,
    versionId: name,
    timeoutMs: null,
    paused: false,
  };
  tables.workflows.set(workflowId, row);
  return row;
}

function definitionsOf(workflowOf: (name: string) => RandomWorkflow): DefinitionStore {
  return {
    loadVersion: async (_tenantId, versionId) => workflowOf(versionId).workflow,
    resolve: async (tenantId, name) => ({
      workflowId: `${name} of ${tenantId}`,
      name,
      status: "active",
      versionId: name,
      version: 1,
    }),
  };
}
