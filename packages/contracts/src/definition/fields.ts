// Kinds of value that several parts of the document share.

import { z } from "zod";
import { AnyJson } from "../api/values.ts";
import { DURATION_FORMS, DURATION_PATTERN, parseDuration } from "../duration.ts";
import { LIMITS } from "../limits.ts";

/** A duration of a fixed length, zero included. */
export const Duration = duration(0, (ms) => ms !== null, `must be a duration of at most 365 days: ${DURATION_FORMS}`);
export type Duration = z.infer<typeof Duration>;

/** A duration longer than zero. */
export const PositiveDuration = duration(
  1,
  (ms) => ms !== null && ms > 0,
  `must be a duration longer than zero and of at most 365 days: ${DURATION_FORMS}`,
);
export type PositiveDuration = z.infer<typeof PositiveDuration>;

/** Any JSON, in whose strings `{{ expression }}` is replaced. */
export const Template = AnyJson.meta({
  description:
    "Any JSON; in its strings `{{ expression }}` is replaced, a string that is one expression keeps its type.",
  examples: [{ ref: "order-{{ input.orderId }}", total: "{{ round(input.amount * 1.19, 2) }}" }],
});
export type Template = z.infer<typeof Template>;

/** A string in which `{{ expression }}` is replaced. */
export const TextTemplate = z.string();
export type TextTemplate = z.infer<typeof TextTemplate>;

/** A bare expression, without braces. */
export const Expression = z.string().min(1, "must not be empty");
export type Expression = z.infer<typeof Expression>;

/** A header's name: a token of RFC 9110. */
export const HeaderName = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/, "must be a header name: letters, digits and hyphens");
export type HeaderName = z.infer<typeof HeaderName>;

function duration(minMs: number, accept: (ms: number | null) => boolean, rule: string) {
  return z
    .union([z.string(), z.number()], { error: rule })
    .superRefine((value, context) => {
      if (!accept(parseDuration(value))) {
        context.addIssue({ code: "custom", message: rule, params: { code: "INVALID_DURATION" } });
      }
    })
    .meta({
      description: `A duration, 365 days at most: ${DURATION_FORMS}.`,
      examples: ["5s", "PT5M", 250],
      jsonSchema: {
        anyOf: [
          { type: "string", pattern: DURATION_PATTERN },
          { type: "integer", minimum: minMs, maximum: LIMITS.durationMs },
        ],
      },
    });
}
