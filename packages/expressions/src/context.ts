// What the parts of the compiler have in common.
import type { Json } from "@keelson/contracts";
import type { Frame } from "./frame.ts";
import type { Findings } from "./references.ts";
import type { Token } from "./tokens.ts";
import type { Node, Span } from "./tree.ts";

/** A compiled node. */
export type Run = (frame: Frame) => Json;

/** Where a node stands: what it may name, and how it is quoted in messages. */
export interface Context {
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly findings: Findings;
  /** Parameters of the arrows around, to their slots. */
  readonly names: ReadonlyMap<string, number>;
  /** Gives each parameter of the expression a slot of its own. */
  readonly slots: { next: number };
  /** Compiles what stands inside: given along, so that chains, calls and the rest can hold one another. */
  readonly compile: (node: Node, context: Context) => Run;
}

/** Stands for what cannot be compiled; its problem is noted, so it is never run. */
export const NOTHING: Run = () => null;

/** Offset of a node in its expression. */
export function positionOf(node: Span, context: Context): number {
  return context.tokens[node.from]?.start ?? 0;
}

/** How the source writes tokens `from` to `to`, in short. */
export function quote(from: number, to: number, context: Context): string {
  const text = context.source.slice(context.tokens[from]?.start ?? 0, context.tokens[to]?.end ?? 0);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
