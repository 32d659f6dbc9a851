// Rules of executions, and the order of commit and effect.
import type { Mutation } from "./mutation.ts";

const CORE = "packages/engine/src/core";
const RUN = "packages/engine/src/run";

export const ENGINE_MUTATIONS: readonly Mutation[] = [
  {
    name: "input-not-frozen",
    breaks: "keeps no frozen input of a request, so that another worker cannot send the same bytes",
    file: `${CORE}/attempts.ts`,
    find: "changeStep(draft, id, { input: result.input });",
    replace: "",
    caughtBy: [
      {
        file: `${CORE}/attempts.test.ts`,
        title: "freezes a request as its first attempt starts, and never evaluates it again",
      },
    ],
  },
  {
    name: "backoff-evaluates-anew",
    breaks: "evaluates a request anew for each attempt, rather than send the frozen one",
    file: `${CORE}/attempts.ts`,
    find: `if (nodeOf(draft, step.id).type === "http") {`,
    replace: `if (nodeOf(draft, step.id).type === "none") {`,
    caughtBy: [
      {
        file: `${CORE}/attempts.test.ts`,
        title: "freezes a request as its first attempt starts, and never evaluates it again",
      },
    ],
  },
  {
    name: "parent-woken-by-any-child",
    breaks: "wakes a parent by a child that its step does not wait for, or for the second time",
    file: `${CORE}/decide.ts`,
    find: "if (!waitsForChild(draft, event.stepId, event.childId)) return;",
    replace: "",
    caughtBy: [
      { file: `${CORE}/attempts.test.ts`, title: "is none the wiser, and stays parked, for the end of another child" },
    ],
  },
  {
    name: "parent-woken-twice",
    breaks: "takes the same mail in again each time it is read",
    file: `${RUN}/session.ts`,
    find: "if (seenMail.has(item.id)) continue;",
    replace: "",
    caughtBy: [
      { file: `${RUN}/session.test.ts`, title: "is taken in once where a hint has it read twice before its commit" },
    ],
  },
  {
    name: "join-all-as-any",
    breaks: "runs a step whose join is `all` on any of its entries",
    file: `${CORE}/edges.ts`,
    find: `const runs = step.join === "any" ? edges.some(isTaken) : edges.every(isTaken);`,
    replace: "const runs = edges.some(isTaken);",
    caughtBy: [
      { file: `${CORE}/advance.test.ts`, title: "skips an 'all' of which one entry is dead, and everything behind it" },
      {
        file: `${CORE}/decide.walk.test.ts`,
        title: "end as the contract's words say, whatever comes late, twice, from elsewhere, or is cut off by a crash",
      },
    ],
  },
  {
    name: "join-before-its-entries",
    breaks: "decides a join before all of its entries are (I4)",
    file: `${CORE}/edges.ts`,
    find: `if (edges.some((edge) => edge.state === "undecided")) {`,
    replace: `if (edges.every((edge) => edge.state === "undecided")) {`,
    caughtBy: [{ file: `${CORE}/advance.test.ts`, title: "waits for all of several entries, and runs once" }],
  },
  {
    name: "skip-not-handed-on",
    breaks: "leaves what stands behind a skipped step undecided",
    file: `${CORE}/edges.ts`,
    find: `case "skipped":\n    case "cancelled":\n      return "dead";`,
    replace: `case "cancelled":\n      return "dead";`,
    caughtBy: [
      {
        file: `${CORE}/advance.test.ts`,
        title: "eliminates a dead path to its end in one decision, each step recorded once",
      },
    ],
  },
  {
    name: "retry-one-too-many",
    breaks: "makes one attempt more than maxAttempts",
    file: `${CORE}/retry.ts`,
    find: "if (failed.failures >= policy.maxAttempts)",
    replace: "if (failed.failures > policy.maxAttempts)",
    caughtBy: [
      {
        file: `${CORE}/retry.test.ts`,
        title: "gives up with the attempt that uses up the last of them, and not before",
      },
    ],
  },
  {
    name: "loss-counts-as-failure",
    breaks: "begins no attempt anew that was cut off with its worker",
    file: `${CORE}/decide.ts`,
    find: "if (step.sentAt !== null) attemptLost(draft, step.id, at);\n    else ",
    replace: "if (step.sentAt !== null) continue;\n    else ",
    caughtBy: [
      {
        file: `${CORE}/decide.test.ts`,
        title: "begins an attempt that was cut off anew, in doubt, and counts it for nothing",
      },
    ],
  },
  {
    name: "poison-walks-on",
    breaks: "runs what has cost three workers their lives",
    file: `${CORE}/decide.ts`,
    find: "if (losses >= MAX_LOSSES) {",
    replace: "if (losses > MAX_LOSSES) {",
    caughtBy: [
      {
        file: `${CORE}/decide.test.ts`,
        title: "gives up with WORKER_LOST after three losses in a row, and follows no error edge",
      },
    ],
  },
  {
    name: "key-lost-after-doubt",
    breaks: "gives a step whose last outcome is unknown another Idempotency-Key when it is retried",
    file: `${CORE}/restart.ts`,
    find: "keyIter: keepsKeyAndBytes || unused ? step.keyIter : step.keyIter + 1,",
    replace: "keyIter: unused ? step.keyIter : step.keyIter + 1,",
    caughtBy: [{ file: `${CORE}/restart.test.ts`, title: "keeps both where the last outcome is unknown" }],
  },
  {
    name: "bytes-lost-after-doubt",
    breaks: "sends other bytes under a key that was sent in doubt",
    file: `${CORE}/restart.ts`,
    find: "input: keepsKeyAndBytes ? step.input : null,",
    replace: "input: null,",
    caughtBy: [{ file: `${CORE}/restart.test.ts`, title: "keeps both where the last outcome is unknown" }],
  },
  {
    name: "late-attempt-counts",
    breaks: "takes the outcome of an attempt that is not the running one",
    file: `${CORE}/attempts.ts`,
    find: `step.status !== "running" || step.sentAt === null || step.attempt !== attempt) return;`,
    replace: `step.status !== "running" || step.sentAt === null) return;`,
    caughtBy: [
      { file: `${CORE}/attempts.test.ts`, title: "takes no notice of an attempt that is not the running one" },
    ],
  },
  {
    name: "effect-before-commit",
    breaks: "begins effects before their transition is committed (I1)",
    file: `${RUN}/session.ts`,
    find: "const verdict = await commit(idle);",
    replace: `for (const command of folding.batch.performs) effects.begin(folding.state, command.stepId, command.attempt);
    const verdict = await commit(idle);
    folding.batch.performs.length = 0;`,
    caughtBy: [{ file: `${RUN}/session.test.ts`, title: "begin only after the commit that decided them (I1)" }],
  },
  {
    name: "fenced-goes-on",
    breaks: "goes on after a commit that was fenced off (I2)",
    file: `${RUN}/session.ts`,
    find: `if (verdict.kind === "fenced") return "fenced";`,
    replace: "",
    caughtBy: [
      {
        file: `${RUN}/session.test.ts`,
        title: "do not begin when the commit is fenced off, nor does anything else (I2)",
      },
    ],
  },
  {
    name: "lease-outlived",
    breaks: "takes its leases for live although nobody has renewed them",
    file: `${RUN}/incarnation.ts`,
    find: "deps.clock.monotonicMs() < renewedMs + ttlMs - marginMs",
    replace: "deps.clock.monotonicMs() < renewedMs + 100 * ttlMs",
    caughtBy: [
      {
        file: `${RUN}/incarnation.test.ts`,
        title: "stops a margin before its lease can expire, and lives on with each renewal",
      },
    ],
  },
];
