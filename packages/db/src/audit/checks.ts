// What an audit looks for, in words. The questions themselves are SQL: audit_executions and audit_deliveries, in the
// migration of the operators, audit_histories in that of whole audits. A code found there and not here fails the test of the audit.

export interface Check {
  /** Of ARCHITECTURE.md. */
  readonly invariant: "I2" | "I3" | "I4" | "I5" | "I6" | "I7";
  /** What must hold, and does not. */
  readonly rule: string;
  /** What the operator can do. */
  readonly remedy: string;
}

const REPORT = "Keep its events, step runs and the workers' logs of that time, and report it as a defect of the engine";
const CANCEL = "cancel the execution or retry it once it has ended";

export const CHECKS = {
  EVENT_SEQ_HOLE: { invariant: "I2", rule: "Events follow one another without a hole", remedy: `${REPORT}.` },
  EVENT_EPOCH_BACK: { invariant: "I2", rule: "Events are committed under epochs that only grow", remedy: `${REPORT}.` },
  SEQ_NOT_LAST_EVENT: { invariant: "I2", rule: "An execution stands where its last event says", remedy: `${REPORT}.` },
  STEP_LIVES_ON: {
    invariant: "I3",
    rule: "No step of an ended execution runs or waits",
    remedy: `${REPORT}; a retry of the execution runs the step anew.`,
  },
  CHANGED_AFTER_END: {
    invariant: "I3",
    rule: "What has ended goes on by a retry alone",
    remedy: `${REPORT}; check with the targets whether an effect happened twice.`,
  },
  END_NOT_LAST_EVENT: {
    invariant: "I3",
    rule: "An execution has ended if its last event says so, and as that says",
    remedy: `${REPORT}; where it has failed or was cancelled, a retry goes on from its step runs.`,
  },
  STEP_BEFORE_EDGE: {
    invariant: "I4",
    rule: "A step begins when every one of its incoming edges is decided",
    remedy: `${REPORT}; check what the step has done, then ${CANCEL}.`,
  },
  ATTEMPT_BESIDE_LIVE: {
    invariant: "I4",
    rule: "A step has one live attempt at most",
    remedy: `${REPORT}; check with the target whether the effect happened twice.`,
  },
  STEP_SUCCEEDED_TWICE: {
    invariant: "I4",
    rule: "A step succeeds once in each of its runs",
    remedy: `${REPORT}; check with the target whether the effect happened twice.`,
  },
  STUCK: {
    invariant: "I5",
    rule: "An execution that has not ended has something that will wake it",
    remedy: `Cancel it, which gives it mail and so an owner; ${REPORT.toLowerCase()}.`,
  },
  CHILD_END_UNTOLD: {
    invariant: "I5",
    rule: "A parent is told that its child has ended",
    remedy: `Cancel the parent and retry it: it takes over what the child has come to. ${REPORT}.`,
  },
  HELD_FOR_NO_PAUSE: {
    invariant: "I5",
    rule: "An execution is held only while its workflow is paused",
    remedy: "Pause the workflow and resume it: that lifts every hold of it.",
  },
  OWNER_GONE: {
    invariant: "I5",
    rule: "What a dead worker held is freed within seconds",
    remedy: "See that a scheduler or a worker runs and reaches PostgreSQL: each frees what the dead have held.",
  },
  NOT_SWEPT: {
    invariant: "I5",
    rule: "What is due is looked at within seconds",
    remedy: "See that a scheduler runs and reaches PostgreSQL and Redis: it hands on what no hint has reached.",
  },
  PUT_OFF: {
    invariant: "I5",
    rule: "What is due is not put off",
    remedy:
      "Look for `execution.let_go` with its id in the workers' logs: the error there keeps them from going on with it, such as a definition that their release cannot read. Mend that, or run a release that can: it goes on within a minute.",
  },
  CHILD_WITHOUT_PARENT: {
    invariant: "I5",
    rule: "A child that is waited for ends with its parent",
    remedy: `Cancel the child; ${REPORT.toLowerCase()}.`,
  },
  CHILD_OF_ANOTHER: { invariant: "I2", rule: "A child belongs to the step that names it", remedy: `${REPORT}.` },
  FIRED_TWICE: {
    invariant: "I6",
    rule: "A due time of a schedule is one execution",
    remedy: `Cancel the second one if it still runs; ${REPORT.toLowerCase()}.`,
  },
  ACCEPTED_WITHOUT_EXECUTION: {
    invariant: "I6",
    rule: "A delivery that was accepted is an execution",
    remedy: `Redeliver it: that starts an execution from the stored bytes. ${REPORT}.`,
  },
  REPEAT_KEY_OF_ANOTHER: {
    invariant: "I6",
    rule: "The same delivery id is the same execution",
    remedy: `Cancel the second one if it still runs; ${REPORT.toLowerCase()}.`,
  },
  OTHER_TENANTS: {
    invariant: "I7",
    rule: "No row names another tenant's",
    remedy: `Stop both tenants' work by pausing their workflows. ${REPORT} at once.`,
  },
} as const satisfies Record<string, Check>;

export type CheckCode = keyof typeof CHECKS;

export function isCheckCode(code: string): code is CheckCode {
  return Object.hasOwn(CHECKS, code);
}
