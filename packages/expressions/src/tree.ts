// The syntax tree of one expression: what `parse` builds and `compile` turns into functions.
import type { Json } from "@keelson/contracts";

/** First and last token of a node. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export type BinaryOperator =
  | "||"
  | "??"
  | "&&"
  | "=="
  | "!="
  | "<"
  | ">"
  | "<="
  | ">="
  | "in"
  | "+"
  | "-"
  | "*"
  | "/"
  | "%"
  | "**";
export type UnaryOperator = "-" | "+" | "!";

/** One `.name`, `[key]` or `.f(…)` of a chain. `to` is its last token. */
export type Link =
  | { readonly kind: "property"; readonly name: string; readonly optional: boolean; readonly to: number }
  | { readonly kind: "index"; readonly key: Node; readonly optional: boolean; readonly to: number }
  | {
      readonly kind: "call";
      readonly name: string;
      readonly args: readonly Node[];
      readonly optional: boolean;
      /** The token of the name. */
      readonly at: number;
      readonly to: number;
    };

export interface Property {
  readonly key: string | Node;
  readonly value: Node;
}

export type Node = Span &
  (
    | { readonly kind: "literal"; readonly value: Json }
    | { readonly kind: "name"; readonly name: string }
    | { readonly kind: "group"; readonly inner: Node }
    | { readonly kind: "chain"; readonly base: Node; readonly links: readonly Link[] }
    | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] }
    | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly argument: Node }
    /** Operators of one left spine, first to last: `a + b - c` is a, [+ b, - c]; so long sums are not deep. */
    | { readonly kind: "binary"; readonly first: Node; readonly rest: readonly BinaryTail[] }
    | { readonly kind: "conditional"; readonly test: Node; readonly yes: Node; readonly no: Node }
    | { readonly kind: "array"; readonly items: readonly Node[] }
    | { readonly kind: "object"; readonly properties: readonly Property[] }
    | { readonly kind: "arrow"; readonly params: readonly string[]; readonly body: Node }
  );

export interface BinaryTail {
  readonly operator: BinaryOperator;
  readonly right: Node;
}
