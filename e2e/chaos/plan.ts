// A random workflow as data that both its document and the model are made from. Every step has a value, a number made of
// the input and of the values above it, so that an end that is wrong anywhere shows in what comes after it.
import type { Graph } from "@keelson/dag";

/** Values are counted modulo this. */
export const MODULUS = 997;
/** What the error of a step above adds to a value. */
export const ERROR_VALUE = 13;

/** How a target answers a step: a function of its key's requests so far, and of nothing else. */
export interface Behaviour {
  /** So many requests of a key fail; "always": every one. More requests than expected change no end. */
  readonly failures: number | "always";
  /** A status, an answer that `successIf` refuses, or a connection cut without one. */
  readonly how: number | "refuse" | "reset";
  /** Before the answer. */
  readonly delayMs: number;
}

interface Common {
  readonly id: string;
  /** As in the document. */
  readonly entries: readonly string[];
  readonly join: "any" | "all" | null;
  readonly continues: boolean;
  /** Steps above it whose values its own is made of. */
  readonly sources: readonly string[];
  /** A source without output fails the expression. */
  readonly strict: boolean;
  readonly add: number;
}

export type PlannedStep = Common &
  (
    | { readonly type: "transform" }
    | { readonly type: "http"; readonly behaviour: Behaviour; readonly maxAttempts: number }
    /** Two branches are `if`, three are cases; `otherwise` or none of them. */
    | { readonly type: "condition"; readonly branches: 2 | 3; readonly otherwise: boolean }
    | { readonly type: "delay"; readonly ms: number }
    | {
        readonly type: "subworkflow";
        readonly child: string;
        /** Its output is that of a template. */
        readonly childHasValue: boolean;
        readonly wait: boolean;
        readonly maxAttempts: number;
      }
  );

export interface Plan {
  readonly name: string;
  readonly steps: readonly PlannedStep[];
  /** Of the template; null: the output is that of the leaves. */
  readonly output: { readonly sources: readonly string[]; readonly strict: boolean } | null;
  /** The workflow that `onFailure` names. */
  readonly onFailure: string | null;
  readonly hook: boolean;
  readonly document: object;
  readonly graph: Graph;
}

/** What a target makes of the value it is sent. */
export function answerOf(value: number): number {
  return (value * 7 + 3) % MODULUS;
}

export function branchOf(step: PlannedStep & { type: "condition" }, value: number): string | null {
  if (step.branches === 2) return value % 2 === 0 ? "true" : "false";
  return ["a", "b"][value % 3] ?? (step.otherwise ? "c" : null);
}

export function isRetried(how: Behaviour["how"]): boolean {
  return typeof how !== "number" || how === 429 || how >= 500;
}
