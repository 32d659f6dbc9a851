// Time and order of a simulated cluster: nothing happens but what the scheduler picks next, and time passes only when it is
// told to. Processes take part in it, and may be stopped or killed between any two of their turns.
import type { Scheduler } from "fast-check";

const DONE = Promise.resolve();
const NEVER = new Promise<never>(() => undefined);

export class VirtualTime {
  /** Since the beginning. */
  nowMs = 0;
  #timers: { readonly atMs: number; readonly call: () => void }[] = [];

  after(delayMs: number, call: () => void): () => void {
    const timer = { atMs: this.nowMs + Math.max(0, delayMs), call };
    const later = this.#timers.findIndex(({ atMs }) => atMs > timer.atMs);
    if (later === -1) this.#timers.push(timer);
    else this.#timers.splice(later, 0, timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Something is still to happen at some time. */
  get isComing(): boolean {
    return this.#timers.length > 0;
  }

  /** To the next timer; all that are due by then go off. */
  pass(): void {
    const [first] = this.#timers;
    if (first === undefined) throw new Error("Nothing will ever happen again");
    this.nowMs = Math.max(this.nowMs, first.atMs);
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { call } of due) call();
  }
}

export class Schedule {
  readonly time = new VirtualTime();
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Resolves when it is this one's turn. */
  turn(what: string): Promise<void> {
    return this.#scheduler.schedule(DONE, what);
  }

  /** What waits for its turn. */
  get waiting(): number {
    return this.#scheduler.count();
  }

  /** Lets one have its turn, and all that follows from it happen. */
  async step(): Promise<void> {
    await this.#scheduler.waitOne();
    await settled();
  }
}

/** Every promise that can go on has gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class Process {
  readonly name: string;
  isAlive = true;
  isPaused = false;
  readonly #schedule: Schedule;
  #held: (() => void)[] = [];

  constructor(name: string, schedule: Schedule) {
    this.name = name;
    this.#schedule = schedule;
  }

  /** Resolves when it is its turn and it runs; never once it is dead. */
  async turn(what: string): Promise<void> {
    await this.#schedule.turn(`${this.name} ${what}`);
    if (this.isPaused) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (!this.isAlive) await NEVER;
  }

  /** Its own timers, as the clock's port wants them. */
  after(delayMs: number, call: () => void): () => void {
    let isOff = false;
    const stop = this.#schedule.time.after(delayMs, () => {
      void this.turn("looks at its timer").then(() => {
        if (!isOff) call();
      });
    });
    return () => {
      isOff = true;
      stop();
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const goOn of held) goOn();
  }

  kill(): void {
    this.isAlive = false;
    this.resume();
  }
}
