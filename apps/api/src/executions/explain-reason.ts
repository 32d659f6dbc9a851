// Why a step stands where it stands, as a sentence. The engine gives codes and values; words are made here, when somebody
// asks.

import type { Json, JsonObject, StepReason } from "@keelson/contracts";
import { isJsonObject } from "@keelson/contracts";
import type { Reason, ReasonCode } from "@keelson/engine";

/** `isOver`: what the reason says was waited for is not waited for any more; the step goes on, or has ended. */
export function explainReason({ code, values }: Reason, isOver = false): StepReason {
  const sentence = (isOver ? AFTERWARDS[code] : undefined) ?? SENTENCES[code];
  return { code, text: sentence(values), values: { ...values } };
}

const SENTENCES: Record<ReasonCode, (values: JsonObject) => string> = {
  ROOT: () => "It waits for no other step, and so ran at once.",
  ENTRIES_TAKEN: (values) => `It ran since ${ruleOf(values)}: ${entriesOf(values)}.`,
  NO_ENTRY_TAKEN: (values) => `It was skipped since none of the branches it waits for was taken: ${entriesOf(values)}.`,
  ENTRY_DEAD: (values) => `It was skipped since not every branch it waits for was taken: ${entriesOf(values)}.`,
  WAITS_FOR_ENTRIES: (values) => `It waits until all it depends on is decided: ${entriesOf(values)}.`,
  DELAYED: ({ until }) => `It waits until ${text(until)}.`,
  RETRY_SCHEDULED: (values) => `${attemptFailed(values)} comes at ${dueAtOf(values)}.`,
  CHILD_RUNNING: ({ executionId }) => `It waits for its child, execution ${text(executionId)}, to end.`,
  ATTEMPTS_USED_UP: ({ failures, maxAttempts, error }) =>
    `It failed${of(error)}: ${text(failures)} of at most ${text(maxAttempts)} attempts are used up.`,
  NOT_RETRYABLE: ({ error }) => `It failed${of(error)}: this error would be the same at the next attempt.`,
  EXECUTION_FAILED: ({ step, error, attempt }) =>
    attempt === undefined
      ? `It was cancelled since the execution was failing${of(error)}${typeof step === "string" ? ` in step "${step}"` : ""}.`
      : `It failed${of(error)}, and was not tried again since the execution was failing.`,
  EXECUTION_CANCELLED: () => "It was cancelled with the execution.",
  EXECUTION_TIMED_OUT: ({ deadlineAt }) =>
    `It was cancelled since the execution's time was over at ${text(deadlineAt)}.`,
  WORKER_LOST: ({ losses }) => `Its execution was given up: ${text(losses)} workers in a row died with it.`,
};

/** Of what was waited for. A time is the one that was set: who is woken does not wait so long. */
const AFTERWARDS: Partial<typeof SENTENCES> = {
  DELAYED: ({ until }) => `It was delayed until ${text(until)}.`,
  RETRY_SCHEDULED: (values) => `${attemptFailed(values)} was due at ${dueAtOf(values)}.`,
  CHILD_RUNNING: ({ executionId }) => `It waited for its child, execution ${text(executionId)}, to end.`,
};

function attemptFailed({ attempt, failures, maxAttempts, error }: JsonObject): string {
  return `Attempt ${text(attempt ?? failures)} failed${of(error)}; the next of at most ${text(maxAttempts)}`;
}

function dueAtOf({ nextAttemptAt, dueAt }: JsonObject): string {
  return text(nextAttemptAt ?? dueAt);
}

function ruleOf({ join }: JsonObject): string {
  return join === "any" ? "one of the branches it waits for was taken" : "every branch it waits for was taken";
}

/** `"charge" (error) is dead, "big" (true) is taken`. */
function entriesOf({ entries }: JsonObject): string {
  const listed: readonly Json[] = Array.isArray(entries) ? entries : [];
  return listed
    .filter(isJsonObject)
    .map(({ step, branch, state }) => `"${text(step)}" (${text(branch)}) is ${text(state)}`)
    .join(", ");
}

function of(error: Json | undefined): string {
  return typeof error === "string" ? ` with ${error}` : "";
}

function text(value: Json | undefined): string {
  return value === undefined || value === null ? "unknown" : typeof value === "string" ? value : JSON.stringify(value);
}
