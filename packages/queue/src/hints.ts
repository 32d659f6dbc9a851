// Sends wake-ups: BullMQ jobs that name executions. Lost, doubled or late, they do no harm; sending never rejects, and what
// is asked for in one turn of the event loop goes out together: a job costs some forty commands, whatever it names.
//  H1. No custom job id: BullMQ drops an add whose id still exists, and with it the sweeper's hint.
//  H2. BullMQ's delay is a hint as well; the truth about a due time stands in PostgreSQL.
import type { ExecutionRef, Hints } from "@keelson/engine";
import { Queue } from "bullmq";
import type { Redis } from "ioredis";
import { WAKE_QUEUE, WAKES_PER_MESSAGE } from "./wake-queue.ts";
import { mailChannel } from "./signals.ts";

/** What is due later, within so much of each other, comes together; ms. */
const TOGETHER_MS = 20;

interface WakeUp {
  readonly ref: ExecutionRef;
  readonly delayMs: number;
}

export interface HintSender extends Hints {
  /** Messages that nobody has taken yet, delayed ones aside; null while Redis does not answer. */
  backlog(): Promise<number | null>;
  /** Wake-ups sent, or given up because Redis was away. */
  readonly counts: { sent: number; dropped: number };
  close(): Promise<void>;
}

export function createHints(redis: Redis, prefix: string): HintSender {
  const counts = { sent: 0, dropped: 0 };
  let queue: Queue | null = null;
  let waiting: WakeUp[] = [];
  // Not before Redis has answered once: BullMQ asks it for its version at birth, and never again.
  redis.on("ready", () => (queue ??= openQueue(redis, prefix)));
  if (redis.status === "ready") queue = openQueue(redis, prefix);

  function send(): void {
    const wakeUps = waiting;
    waiting = [];
    if (queue === null || redis.status !== "ready") {
      counts.dropped += wakeUps.length;
      return;
    }
    queue.addBulk(jobsOf(wakeUps)).then(
      () => (counts.sent += wakeUps.length),
      () => (counts.dropped += wakeUps.length),
    );
  }

  return {
    counts,
    wake(ref, delayMs) {
      waiting.push({ ref, delayMs });
      if (waiting.length === 1) process.nextTick(send);
    },
    mail(ref) {
      if (redis.status !== "ready") return;
      redis.publish(mailChannel(prefix), ref.executionId).catch(() => undefined);
    },
    async backlog() {
      return queue === null ? null : queue.getWaitingCount().catch(() => null);
    },
    async close() {
      await queue?.close();
    },
  };
}

/** Those that are due now share jobs, and those that are due at about the same time: these come when the last of them is. */
function jobsOf(wakeUps: readonly WakeUp[]) {
  const groups: WakeUp[][] = [];
  let untilMs = 0;
  for (const wakeUp of wakeUps.toSorted((a, b) => a.delayMs - b.delayMs)) {
    const group = groups.at(-1);
    if (group !== undefined && group.length < WAKES_PER_MESSAGE && wakeUp.delayMs <= untilMs) group.push(wakeUp);
    else {
      groups.push([wakeUp]);
      untilMs = wakeUp.delayMs > 0 ? wakeUp.delayMs + TOGETHER_MS : 0;
    }
  }
  return groups.map((group) => {
    const delay = Math.ceil(group.at(-1)?.delayMs ?? 0);
    return job(
      group.map(({ ref }) => ref),
      delay > 0 ? { delay } : {},
    );
  });
}

function job(refs: readonly ExecutionRef[], opts: { readonly delay?: number }) {
  const wakes = refs.map(({ tenantId, executionId }) => ({ tenantId, executionId }));
  return { name: WAKE_QUEUE, data: { wakes }, opts };
}

function openQueue(redis: Redis, prefix: string): Queue {
  const queue = new Queue(WAKE_QUEUE, {
    connection: redis,
    prefix,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  queue.on("error", () => undefined); // told of by the connection itself
  return queue;
}
