// Seeded random walks: random graphs, fates and interleavings. A failure prints its seed and the smallest case found;
// put `{ seed, path }` beside numRuns to see it again.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isEnded } from "@keelson/contracts";
import { endOf, fateInIter, randomWorkflow, type RandomWorkflow } from "./testing/random-graphs.ts";
import { expectedEnd, type StepEnd } from "./testing/reference.ts";
import { checkEnd as checkEndAs } from "./testing/check-end.ts";
import { checkEqual } from "./testing/invariants.ts";
import { Walk, type Move } from "./testing/walk.ts";

const RUNS = 300;
/** For a machine that is busy with all the other tests; ms. */
const TIMEOUT_MS = 60_000;

const moves = (kinds: readonly Move["kind"][]): fc.Arbitrary<Move[]> =>
  fc.array(fc.record({ kind: fc.constantFrom(...kinds), pick: fc.nat(1000) }), { maxLength: 60, size: "max" });

const WORK: Move["kind"][] = [
  "evaluate",
  "evaluate",
  "evaluate",
  "endAttempt",
  "endAttempt",
  "endChild",
  "advanceTime",
  "park",
  "claimAgain",
  "liftHold",
];
const NOISE: Move["kind"][] = ["repeat", "foreign", "crash", "crashBeforeCommit"];
const INTERVENTION: Move["kind"][] = ["wake", "cancel", "retry"];

describe("random walks over random graphs", { timeout: TIMEOUT_MS }, () => {
  it("end as the contract's words say, whatever comes late, twice, from elsewhere, or is cut off by a crash", () => {
    fc.assert(
      fc.property(randomWorkflow, moves([...WORK, ...NOISE]), (workflow, taken) => {
        const walk = new Walk(workflow, { held: false, deadlineInMs: null });
        for (const move of taken) walk.take(move);
        walk.finish();
        checkEnd(workflow, walk);
        expect(isEnded(walk.state.status)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it("keep the invariants and end under cancels, deadlines, holds, wakes and retries as well", () => {
    const how = fc.record({ held: fc.boolean(), deadlineInMs: fc.constantFrom(null, null, 0, 1500, 6000) });
    fc.assert(
      fc.property(
        randomWorkflow,
        how,
        moves([...WORK, ...WORK, ...NOISE, ...INTERVENTION]),
        (workflow, given, taken) => {
          const walk = new Walk(workflow, given);
          for (const move of taken) walk.take(move);
          walk.finish();
          checkEnd(workflow, walk);
          expect(isEnded(walk.state.status)).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it("end as the contract's words say after one retry upon another", () => {
    const retries = fc.array(fc.tuple(fc.nat(1000), moves([...WORK, ...NOISE])), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(randomWorkflow, fc.boolean(), retries, (workflow, cancelled, rounds) => {
        const walk = new Walk(workflow, { held: false, deadlineInMs: null });
        walk.take({ kind: "claimAgain", pick: 0 });
        if (cancelled) walk.take({ kind: "cancel", pick: 0 });
        for (const [pick, taken] of rounds) {
          walk.finish();
          checkEnd(workflow, walk);
          walk.take({ kind: "retry", pick });
          for (const move of taken) walk.take(move);
        }
        walk.finish();
        checkEnd(workflow, walk);
        expect(isEnded(walk.state.status)).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Holds the walk's end against the reference. What was cut short has no one end, but each of its steps has but few. */
function checkEnd(workflow: RandomWorkflow, walk: Walk): void {
  const { state } = walk;
  const iterOf = (id: string) => state.steps.get(id)?.iter ?? 1;
  const expected = expectedEnd(
    workflow.graph,
    (step) => endOf(step, fateInIter(workflow.fates.get(step.id)!, iterOf(step.id))),
    new Map([...walk.kept].map(([id, { status, branch }]) => [id, { status, branch } as StepEnd])),
  );
  const cutShort =
    state.status === "cancelled" || ["EXECUTION_TIMEOUT", "WORKER_LOST"].includes(state.error?.code ?? "");
  if (cutShort) return;
  const { status, error, steps } = state;
  checkEndAs(expected, { status, error, steps: steps.values() }, (id) => (workflow.fates.get(id)?.failures ?? 0) > 0);
  const failsAtOnce = expected.failAtOnce.length > 0;
  const unhandled = failsAtOnce ? expected.failAtOnce : expected.failAtLast;
  if (unhandled.length === 0) return;
  const first = walk.sinceRetry.find(({ type, stepId }) => type === "step.failed" && unhandled.includes(stepId ?? ""));
  if (failsAtOnce) checkEqual(state.error?.step, first?.stepId, "The first such error");
}
