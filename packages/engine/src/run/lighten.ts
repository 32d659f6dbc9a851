// What a holder keeps in memory of steps that are done with: as little as if it had just claimed the execution. However
// long a chain is and however much its steps yield, what is in PostgreSQL is not held here as well.
import type { Json } from "@keelson/contracts";
import type { StepState } from "../core/state.ts";

/** Smaller outputs stay at hand, as a claim brings them along; larger ones are loaded when they are named. About bytes. */
const KEPT_SIZE = 8192;

/** A committed step without what need not be at hand any more. */
export function lighten(step: StepState): StepState {
  if (step.status !== "succeeded") return step;
  const isLarge = step.output.kind === "value" && sizeUpTo(step.output.value, KEPT_SIZE) > KEPT_SIZE;
  return { ...step, input: null, output: isLarge ? { kind: "stored" } : step.output };
}

/** About its size as JSON; stops counting beyond `limit`. */
export function sizeUpTo(value: Json, limit: number): number {
  if (typeof value === "string") return value.length;
  if (value === null || typeof value !== "object") return 5;
  let size = 2;
  for (const [key, inner] of Object.entries(value)) {
    size += key.length + sizeUpTo(inner, limit - size);
    if (size > limit) break;
  }
  return size;
}
