// Regular expressions of a tenant's schema run on RE2, in time linear in the text (I10).

import { RE2JS } from "re2js";
import type { Meter } from "./meter.ts";

const MAX_PATTERN_CHARS = 1_000;

/** Why a pattern cannot be used, or null. */
export function patternFault(pattern: string): string | null {
  if (pattern.length > MAX_PATTERN_CHARS) return `a pattern must have at most ${MAX_PATTERN_CHARS} characters`;
  try {
    compile(pattern);
    return null;
  } catch (error) {
    const reason =
      error instanceof Error ? error.message.replace(/^error parsing regexp: /, "") : "it is not understood";
    return `${reason}; patterns are of RE2, without lookaround and backreferences, so that they always end in time`;
  }
}

/** The engine that ajv calls for patterns. It tells engines' results apart by their text, so that must be the pattern. */
export function createPatternEngine(meter: Meter) {
  const engine = (pattern: string) => {
    const expression = compile(pattern);
    const perChar = expression.programSize() / 64;
    return {
      test(text: string): boolean {
        meter.spend(1 + text.length * perChar);
        return expression.test(text);
      },
      toString: () => `re2:${pattern}`,
    };
  };
  return Object.assign(engine, { code: "re2" });
}

function compile(pattern: string): RE2JS {
  return RE2JS.compile(RE2JS.translateRegExp(pattern));
}
