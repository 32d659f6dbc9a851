// The meter of a check: JSON Schema can be made to take exponential time over small inputs, so each unit of work is
// paid for, and the check ends when nothing is left (I10).

/** Thrown when a check has used up what it may spend. */
export class OutOfBudget extends Error {
  override readonly name = "OutOfBudget";
}

export interface Meter {
  /** Starts a check anew with `units` to spend; a unit is some tens of nanoseconds. */
  readonly start: (units: number) => void;
  /** Pays for work; throws OutOfBudget when nothing is left. */
  readonly spend: (units: number) => void;
}

export function createMeter(): Meter {
  let left = 0;
  return {
    start: (units) => {
      left = units;
    },
    spend: (units) => {
      left -= units;
      if (left < 0) throw new OutOfBudget("The check takes too long");
    },
  };
}

/** What one evaluation of a subschema costs, beside what its own subschemas cost. */
export interface Cost {
  readonly base: number;
  /** For each key of an object and each item of an array. */
  readonly perEntry: number;
}

/** The price of evaluating a subschema with this cost on this data. */
export function priceOf(cost: Cost, data: unknown): number {
  if (typeof data === "string") return cost.base + data.length / 64;
  if (Array.isArray(data)) return cost.base + cost.perEntry * data.length;
  if (typeof data === "object" && data !== null) return cost.base + cost.perEntry * Object.keys(data).length;
  return cost.base;
}
