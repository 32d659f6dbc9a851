// Look-ups that can wait a moment: whatever gathers while one statement runs goes into the next, and between two statements
// there is a pause. So their cost to PostgreSQL does not grow with their number, and each is answered all the same.

import { setTimeout as sleep } from "node:timers/promises";
import type { KeyVerdict } from "./key-directory.ts";

const PAUSE_MS = 50;
const MAX_KEYS = 1_000;

interface Waiting {
  readonly key: string;
  readonly resolve: (verdict: KeyVerdict) => void;
  readonly reject: (error: unknown) => void;
}

/** `lookUpAll` answers for each key, in their order. A statement that fails fails those that were in it. */
export function createQueuedLookUps(
  lookUpAll: (keys: readonly string[]) => Promise<readonly KeyVerdict[]>,
): (key: string) => Promise<KeyVerdict> {
  const waiting: Waiting[] = [];
  let running = false;

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      await sleep(PAUSE_MS);
      await answer(waiting.splice(0, MAX_KEYS));
    }
    running = false;
  }

  async function answer(batch: readonly Waiting[]): Promise<void> {
    try {
      const verdicts = await lookUpAll(batch.map(({ key }) => key));
      for (const [n, { resolve }] of batch.entries()) resolve(verdicts[n] ?? { kind: "refused", reason: "unknown" });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return (key) => {
    const { promise, resolve, reject } = Promise.withResolvers<KeyVerdict>();
    waiting.push({ key, resolve, reject });
    if (!running) {
      running = true;
      void run();
    }
    return promise;
  };
}
