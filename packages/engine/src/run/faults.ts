// Executions that this worker could not go on with, such as one whose definition this release cannot read: each is put off
// longer than the time before. So a fault that lasts costs little, and one that has passed little time.

/** After the second failure in a row, doubled with each; ms. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 60_000;
/** Beyond it those that failed longest ago are forgotten: they are tried sooner than they should be. */
const MAX_KNOWN = 10_000;

export interface Faults {
  /** It has failed once more: when it may be tried again, in ms; 0 for the first time. */
  putOffMs(executionId: string): number;
  /** It went well. */
  forget(executionId: string): void;
}

export function createFaults(): Faults {
  const failures = new Map<string, number>();
  return {
    putOffMs(executionId) {
      const before = failures.get(executionId) ?? 0;
      failures.delete(executionId);
      failures.set(executionId, before + 1);
      const [oldest] = failures.keys();
      if (failures.size > MAX_KNOWN && oldest !== undefined) failures.delete(oldest);
      return before === 0 ? 0 : Math.min(SHORTEST_MS * 2 ** (before - 1), LONGEST_MS);
    },
    forget: (executionId) => void failures.delete(executionId),
  };
}
