// That the simulation finds what is wrong: with one guard taken out of the database in memory, some interleaving fails.
import { expect, it } from "vitest";
import { ALL_GUARDS, type Guards } from "./testing/memory/guards.ts";
import { interleave } from "./testing/simulation/interleavings.ts";

/** Drawn alike each time: whether it is found must not be chance. */
const SEED = 20_260;
/** Cases of a dozen interleavings each; most are found within the first few. */
const MAX_CASES = 1_500;

const MUTANTS: readonly { readonly without: keyof Guards; readonly does: string; readonly found: RegExp }[] = [
  { without: "epoch", does: "takes commits under an older epoch", found: /\(I2\)/ },
  { without: "free", does: "lets a lease be claimed that somebody holds", found: /\(I4\)/ },
  { without: "frozenInput", does: "does not keep a step's input", found: /Other bytes under/ },
  { without: "toldOnce", does: "wakes a parent twice", found: /told twice/ },
  { without: "mailKeepsLease", does: "releases over unread mail (T1, T2)", found: /unread mail/ },
  { without: "timers", does: "forgets timers", found: /stuck \(I5\)/ },
];

it.each(MUTANTS)("finds a store that $does", { timeout: 180_000 }, async ({ without, found }) => {
  const guards = { ...ALL_GUARDS, [without]: false };
  const { failure, runs } = await interleave({ guards, seed: SEED, numRuns: MAX_CASES, endOnFailure: true });
  expect(failure?.split("\n", 1)[0], `after ${runs} interleavings`).toMatch(found);
});
