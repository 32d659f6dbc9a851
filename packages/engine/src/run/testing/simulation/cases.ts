// What a simulation begins with: a small workflow and its child's, how many run them, and what will go wrong.
import fc from "fast-check";
import { randomWorkflowOf, type RandomWorkflow } from "../../../core/testing/random-graphs.ts";

export interface Case {
  readonly root: RandomWorkflow;
  /** Of every sub-workflow step of the root. */
  readonly child: RandomWorkflow;
  /** Executions of the root that are started. */
  readonly starts: number;
  readonly workers: number;
  /** Time may pass while there is something to do. */
  readonly slow: boolean;
  /** What becomes of the first hints; later ones come. One who loses them all for ever is noticed to be away. */
  readonly hints: readonly HintFate[];
  readonly faults: readonly Fault[];
}

export type HintFate = "comes" | "lost" | "doubled";

export interface Fault {
  readonly kind:
    | "crash"
    | "pauseShortly"
    | "pausePastLease"
    | "loseClaim"
    | "loseCommit"
    | "delayClaim"
    | "delayCommit"
    | "commitTwiceUnanswered"
    | "cancel"
    | "wake"
    | "holdRoot"
    | "holdChild";
  /** After so many turns. */
  readonly after: number;
  /** Whom it strikes; counted round. */
  readonly pick: number;
}

/** Those that may cost an execution its owner. Three in a row would be WORKER_LOST. */
const LOSSY: readonly Fault["kind"][] = ["crash", "pausePastLease"];
const MAX_LOSSY = 2;

const fault: fc.Arbitrary<Fault> = fc.record({
  kind: fc.constantFrom(
    "crash",
    "crash",
    "pauseShortly",
    "pausePastLease",
    "loseClaim",
    "loseCommit",
    "delayClaim",
    "delayCommit",
    "commitTwiceUnanswered",
    "cancel",
    "wake",
    "holdRoot",
    "holdChild",
  ),
  after: fc.nat(60),
  pick: fc.nat(5),
});

const never = fc.constant(false);

export const anyCase: fc.Arbitrary<Case> = fc
  .record({
    root: randomWorkflowOf({
      maxSteps: 5,
      types: ["http", "http", "transform", "condition", "delay", "subworkflow", "subworkflow"],
      hangs: never,
    }),
    child: randomWorkflowOf({ maxSteps: 2, types: ["transform", "http", "delay"], hangs: never }),
    starts: fc.integer({ min: 1, max: 2 }),
    workers: fc.integer({ min: 1, max: 3 }),
    slow: fc.boolean(),
    hints: fc.array(fc.constantFrom<HintFate>("comes", "comes", "lost", "doubled"), { maxLength: 20, size: "max" }),
    faults: fc.array(fault, { maxLength: 5, size: "max" }),
  })
  .map((drawn) => {
    const lossy = drawn.faults.filter(({ kind }) => LOSSY.includes(kind)).slice(0, MAX_LOSSY);
    const faults = drawn.faults.filter((each) => !LOSSY.includes(each.kind) || lossy.includes(each));
    const found: Case = { ...drawn, faults };
    return Object.assign(found, { [fc.toStringMethod]: () => describeCase(found) });
  });

/** Nothing that could cost an execution its owner is among what goes wrong. */
export function isCalm({ slow, faults }: Case): boolean {
  const harmless: readonly Fault["kind"][] = ["cancel", "wake", "holdRoot", "holdChild", "loseCommit"];
  return !slow && faults.every(({ kind }) => harmless.includes(kind));
}

function describeCase({ root, child, faults, hints, ...rest }: Case): string {
  const others = Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`);
  const struck = faults.map(({ kind, after, pick }) => `${kind} of ${pick} after ${after}`);
  return [
    "",
    ...describeWorkflow("root", root),
    ...describeWorkflow("child", child),
    others.join(", "),
    `hints: ${hints.join(", ") || "all come"}`,
    `faults: ${struck.join("; ") || "none"}`,
    "",
  ].join("\n");
}

function describeWorkflow(name: string, { graph, fates }: RandomWorkflow): string[] {
  return graph.steps.map((step) => {
    const entries = step.entries.map((entry) => (entry.branch === null ? entry.step : `${entry.step}:${entry.branch}`));
    const after = entries.length === 0 ? "" : ` after ${step.join} of ${entries.join(", ")}`;
    const fate = fates.get(step.id);
    const onError = step.onError === "continue" ? ", continues" : "";
    const attempts = `${fate?.failures} of ${step.retry.maxAttempts} fail${fate?.final === true ? " for good" : ""}`;
    const evaluates = fate?.evaluates === true ? "" : ", cannot be evaluated";
    return `${name} ${step.id}: ${step.type}${after}; ${attempts}, branch ${fate?.branch}${evaluates}${onError}`;
  });
}
