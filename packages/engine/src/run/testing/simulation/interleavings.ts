// Many interleavings of many cases: drawn, run, counted, and told of so that a failure can be seen again.
import fc from "fast-check";
import { ALL_GUARDS, type Guards } from "../memory/guards.ts";
import { anyCase } from "./cases.ts";
import { Simulation } from "./simulation.ts";

/** Of each case drawn: to draw one takes longer than to run it. */
const INTERLEAVINGS_OF_A_CASE = 12;

export interface Interleavings {
  readonly runs: number;
  readonly turns: number;
  /** Null: all went well. */
  readonly failure: string | null;
}

export async function interleave(how: {
  readonly guards?: Guards;
  /** Cases, at the most. */
  readonly numRuns?: number;
  readonly limitMs?: number;
  readonly seed?: number | undefined;
  readonly path?: string | undefined;
  /** Stops at the first failure, as it was drawn. */
  readonly endOnFailure?: boolean;
}): Promise<Interleavings> {
  let [runs, turns] = [0, 0];
  const schedulers = fc.array(fc.scheduler(), { minLength: 1, maxLength: INTERLEAVINGS_OF_A_CASE, size: "max" });
  const property = fc.asyncProperty(anyCase, schedulers, async (theCase, orders) => {
    for (const order of orders) {
      const simulation = new Simulation(theCase, order, how.guards ?? ALL_GUARDS);
      await simulation.run();
      runs += 1;
      turns += simulation.turns;
    }
  });
  const details = await fc.check(property, {
    numRuns: how.numRuns ?? Number.MAX_SAFE_INTEGER,
    endOnFailure: how.endOnFailure ?? false,
    ...(how.limitMs === undefined ? {} : { interruptAfterTimeLimit: how.limitMs }),
    ...(how.seed === undefined ? {} : { seed: how.seed }),
    ...(how.path === undefined ? {} : { path: how.path }),
  });
  return { runs, turns, failure: details.failed ? reportOf(details) : null };
}

function reportOf<T>(details: fc.RunDetails<T>): string {
  const again = `SIMULATION_SEED=${details.seed} SIMULATION_PATH=${details.counterexamplePath}`;
  const why = details.errorInstance instanceof Error ? details.errorInstance.message : "";
  return `${why}\n${fc.defaultReportMessage(details)}\nTo see it again: ${again} npm test -- packages/engine/src/run/simulation.test.ts`;
}
