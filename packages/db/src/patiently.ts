// Reads for an execution that is held here: a moment without PostgreSQL must not cost what was done and not yet committed.
import { setTimeout as sleep } from "node:timers/promises";
import { isTransient } from "./connection-errors.ts";

/** Between two tries, and for how long at the most; ms. Well within the default lease, whose end makes it pointless. */
const RETRY_DELAY_MS = 100;
const RETRY_FOR_MS = 10_000;

/** Asks again while PostgreSQL is away, for ten seconds. For what may be asked twice alone. */
export async function patiently<T>(read: () => Promise<T>): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isTransient(error) || performance.now() - beganMs > RETRY_FOR_MS) throw error;
      await sleep(RETRY_DELAY_MS);
    }
  }
}
