// A closed loop that goes on until it is told to stop, so that something can be done to the engine meanwhile.
import { setTimeout as sleep } from "node:timers/promises";
import { createSender, type Book, type Hook } from "./webhooks.ts";

/** Connections to each ingress at the most; a lane holds one only while its webhook is sent. */
const MAX_CONNECTIONS = 64;
/** Before a refused one is sent again; ms. */
const AFTER_REFUSAL_MS = 50;

export interface Lanes {
  /** When each was done, in monotonic ms, those of the tail included. */
  readonly ends: readonly number[];
}

/** `unlessLost` settles with null for what will not be done any more: its lane ends. */
export function createLanes(book: Book, unlessLost: (done: Promise<number>) => Promise<number | null>) {
  let running: { readonly stop: () => Promise<Lanes> } | null = null;

  function begin(hooks: readonly Hook[], count: number): { readonly stop: () => Promise<Lanes> } {
    const connections = Math.min(MAX_CONNECTIONS, Math.ceil(count / hooks.length));
    const senders = hooks.map((hook) => createSender(hook, connections, book));
    const ends: number[] = [];
    let stopped = false;
    const lane = async (n: number): Promise<void> => {
      const sender = senders[n % senders.length];
      while (!stopped && sender !== undefined) {
        const sent = await sender.send();
        if (!sent.accepted) await sleep(AFTER_REFUSAL_MS);
        else {
          const doneAt = await unlessLost(sent.done);
          if (doneAt === null) return;
          ends.push(doneAt);
        }
      }
    };
    const all = Promise.all(Array.from({ length: count }, (_, n) => lane(n)));
    return {
      async stop() {
        stopped = true;
        await all;
        await Promise.all(senders.map((sender) => sender.close()));
        return { ends };
      },
    };
  }

  return {
    /** One webhook after the other on each of `lanes`, shared out among the hooks, which differ in their ingress alone. */
    start({ hooks, lanes }: { readonly hooks: readonly Hook[]; readonly lanes: number }): void {
      if (running !== null) throw new Error("The lanes run already");
      running = begin(hooks, lanes);
    },
    /** Sends nothing more; resolves when what was sent is done or lost. */
    async stop(): Promise<Lanes> {
      const ended = await running?.stop();
      running = null;
      return ended ?? { ends: [] };
    },
  };
}
