import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls `check` until it neither throws nor rejects, and returns what it yielded. After `withinMs` (default 10 s) its
 * last error is thrown.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { withinMs?: number; everyMs?: number } = {},
): Promise<T> {
  const deadlineAt = performance.now() + (options.withinMs ?? 10_000);
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= deadlineAt) throw error;
    }
    await sleep(options.everyMs ?? 20);
  }
}
