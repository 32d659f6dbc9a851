// Takes wake-ups off the queue. A message is acknowledged once the claims it asked for are decided, whatever came of them.
import { failPoint } from "@keelson/contracts";
import type { ExecutionRef } from "@keelson/engine";
import { Worker } from "bullmq";
import type { Redis } from "ioredis";
import { WAKE_QUEUE, WakeMessage } from "./wake-queue.ts";

export interface WakeConsumer {
  /** Takes no more messages, and resolves once those taken are done with. */
  close(): Promise<void>;
}

export interface WakeConsumerOptions {
  readonly redis: Redis;
  readonly prefix: string;
  /** Messages handled at once. */
  readonly concurrency: number;
  readonly onWake: (ref: ExecutionRef) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export function createWakeConsumer(options: WakeConsumerOptions): WakeConsumer {
  const worker = new Worker(
    WAKE_QUEUE,
    async (job) => {
      const message = WakeMessage.safeParse(job.data);
      if (!message.success) {
        options.onError(new Error(`A wake-up that names no execution: ${message.error.message}`));
        return;
      }
      failPoint("worker.hint.received");
      // A claim that failed is not tried again here: PostgreSQL still knows of it, and the sweep finds it.
      await Promise.all(message.data.map((ref) => options.onWake(ref).catch(options.onError)));
    },
    {
      connection: options.redis,
      prefix: options.prefix,
      concurrency: options.concurrency,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on("error", options.onError);
  return { close: () => worker.close() };
}
