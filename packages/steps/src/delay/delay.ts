// A delay waits for a duration from now, or until a time.
import { parseDuration, type Json } from "@keelson/contracts";
import { evaluateTemplate } from "@keelson/expressions";
import type { Evaluation, StepKind } from "@keelson/engine";
import { wrongStep } from "../wrong-step.ts";

/** RFC 3339, with a time zone: a time without one would mean another instant on another host. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)$/;
/** The last instant a JavaScript date can hold is far beyond; this is what PostgreSQL and RFC 3339 share. */
const LAST_TIME_MS = Date.UTC(9999, 11, 31, 23, 59, 59);

export const delayStep: StepKind = {
  evaluate({ compiled, scope, at }) {
    if (compiled.type !== "delay") throw wrongStep("delay", compiled);
    if (compiled.for !== null) return waitFor(evaluateTemplate(compiled.for, scope), at);
    if (compiled.until !== null) return waitUntil(evaluateTemplate(compiled.until, scope));
    throw new Error("A delay with neither `for` nor `until` passed the checks");
  },
};

function waitFor(value: Json, at: number): Evaluation {
  const durationMs = typeof value === "string" || typeof value === "number" ? parseDuration(value) : null;
  if (durationMs !== null) return { kind: "until", untilAt: at + durationMs };
  return failed(
    `\`for\` came to ${show(value)}; it must be a duration such as "5s", "PT5M" or whole milliseconds, at most 365 days`,
  );
}

function waitUntil(value: Json): Evaluation {
  const untilAt =
    typeof value === "number"
      ? value
      : typeof value === "string" && RFC_3339.test(value)
        ? Date.parse(value)
        : Number.NaN;
  if (Number.isFinite(untilAt) && untilAt <= LAST_TIME_MS) return { kind: "until", untilAt: Math.max(0, untilAt) };
  return failed(`\`until\` came to ${show(value)}; it must be a time as in RFC 3339, such as "2030-01-31T08:00:00Z"`);
}

function failed(message: string): Evaluation {
  return { kind: "failed", error: { code: "EXPRESSION_FAILED", message } };
}

function show(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}
