// What is allowed, but perhaps not meant.

import type { Step, Trigger, WorkflowDefinition } from "@keelson/contracts";
import { clockChangeWarnings } from "./clock-changes.ts";
import { unknownKeywords } from "./input-schema/unknown-keywords.ts";
import { type DefinitionProblem, pointer } from "./problem.ts";
import { unevaluatedTexts } from "./unevaluated.ts";

/**
 * Warnings for the answer to a save: `SIGNATURE_NONE`, `REPEATS_NOT_DETECTED`, `RETRY_WITHOUT_EFFECT`, `BODY_WITH_GET`,
 * `UNKNOWN_KEYWORD`, `NOT_EVALUATED`, and for schedules `CLOCK_CHANGE_SKIPS`, `CLOCK_CHANGE_REPEATS` of the year that follows
 * `now`.
 */
export function definitionWarnings(definition: WorkflowDefinition, now: Date): DefinitionProblem[] {
  return [
    ...(definition.triggers ?? []).flatMap((trigger, index) => triggerWarnings(trigger, index, now)),
    ...definition.steps.flatMap((step, index) => stepWarnings(step, index)),
    ...unknownKeywords(definition.inputSchema),
    ...unevaluatedTexts(definition),
  ];
}

function triggerWarnings(trigger: Trigger, index: number, now: Date): DefinitionProblem[] {
  if (trigger.type === "schedule") {
    const { cron, timezone = "UTC" } = trigger;
    return clockChangeWarnings({ cron, timezone }, now, ["triggers", index, "cron"]);
  }
  const path = pointer(["triggers", index, "signature"]);
  const { signature } = trigger;
  if (signature.scheme === "none") {
    const message = `Trigger "${trigger.id}" takes requests of anyone who knows its URL, since its signature scheme is "none".`;
    return [{ path: `${path}/scheme`, code: "SIGNATURE_NONE", message }];
  }
  if (signature.scheme === "hmac" && signature.idHeader === undefined) {
    const message = `Trigger "${trigger.id}" has no idHeader: a repeated or replayed delivery starts another execution.`;
    return [{ path, code: "REPEATS_NOT_DETECTED", message }];
  }
  return [];
}

function stepWarnings(step: Step, index: number): DefinitionProblem[] {
  return [...retryWarnings(step, index), ...bodyWarnings(step, index)];
}

/** What few servers read, and mostly a method that was forgotten. */
function bodyWarnings(step: Step, index: number): DefinitionProblem[] {
  if (step.type !== "http" || (step.config.body ?? null) === null) return [];
  const { method = "GET" } = step.config;
  if (method !== "GET" && method !== "HEAD") return [];
  const message = `Step "${step.id}" sends a body by ${method}, which most servers ignore: set config.method to "POST" or another, or leave the body out.`;
  return [{ path: pointer(["steps", index, "config", "body"]), code: "BODY_WITH_GET", message }];
}

/** Only http and subworkflow steps fail in a way that another attempt may mend. */
function retryWarnings(step: Step, index: number): DefinitionProblem[] {
  if (step.type === "http" || step.type === "subworkflow" || (step.retry?.maxAttempts ?? 1) === 1) return [];
  const message = `Step "${step.id}" is tried once whatever its retry says: the errors of ${step.type} steps are the same each time.`;
  return [{ path: pointer(["steps", index, "retry"]), code: "RETRY_WITHOUT_EFFECT", message }];
}
