// Step runs as they are written and read: what was left out is what the row has already, a finished one stays as it is.
import { isStepEnded } from "@keelson/contracts";
import type { Output, StepState } from "../../../core/state.ts";
import type { ExecutionRow, Tables } from "./tables.ts";

/** Larger outputs are loaded when they are named; bytes of JSON, of one and of all that come along. */
const INLINE_BYTES = 8_192;
const INLINE_BYTES_IN_ALL = 262_144;

/** `nowAt`: the caller's estimate, to which due times are relative. */
export function writeSteps(
  tables: Tables,
  row: ExecutionRow,
  write: { readonly steps: readonly StepState[]; readonly nowAt: number },
  reopens: boolean,
): void {
  refuseFinished(row, write.steps, reopens);
  for (const step of write.steps) {
    const before = row.steps.get(step.id);
    const keeps = step.input === null && before?.iter === step.iter;
    const isFrozen = tables.guards.frozenInput || isStepEnded(step.status);
    row.steps.set(step.id, {
      ...step,
      input: isFrozen ? (keeps ? (before?.input ?? null) : step.input) : null,
      output: step.output.kind === "stored" ? (before?.output ?? { kind: "none" }) : step.output,
      dueAt: step.dueAt === null ? null : tables.nowAt() + step.dueAt - write.nowAt,
    });
  }
}

/** Before anything is written: a commit is written whole or not at all. */
export function refuseFinished(row: ExecutionRow, steps: readonly StepState[], reopens: boolean): void {
  for (const step of steps) {
    const before = row.steps.get(step.id);
    if (before === undefined || reopens || step.iter > before.iter) continue;
    if (isStepEnded(before.status)) throw new Error("a finished step run does not change");
  }
}

/** As a claim brings them along, in the order of their ids. */
export function readSteps(row: ExecutionRow): StepState[] {
  let bytes = 0;
  return [...row.steps.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((step) => {
      const size = sizeOf(step.output);
      if (size <= INLINE_BYTES) bytes += size;
      const output: Output =
        step.output.kind === "none" || (size <= INLINE_BYTES && bytes <= INLINE_BYTES_IN_ALL)
          ? step.output
          : { kind: "stored" };
      const needsInput = step.inDoubt || (step.status !== "succeeded" && step.status !== "skipped");
      return { ...step, input: needsInput ? step.input : null, output };
    });
}

function sizeOf(output: Output): number {
  return output.kind === "value" ? Buffer.byteLength(JSON.stringify(output.value)) : 0;
}
