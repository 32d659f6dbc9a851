// Lends jsep our grammar for the length of one parse. jsep keeps its operators, hooks and literals in static fields of
// one class, shared with whoever else uses it in the process: what others add there must not widen our language, and
// what we need must not change theirs. A parse is synchronous, so the fields are ours from its begin to its end alone.
import arrow from "@jsep-plugin/arrow";
import object from "@jsep-plugin/object";
import * as jsepModule from "jsep";

/** What jsep yields, as far as the language knows it; anything else is refused by `parse`. */
export type Shape =
  | { readonly type: "Identifier"; readonly name: string }
  | ({ readonly type: "MemberExpression"; readonly computed: boolean; readonly optional?: boolean } & Members)
  | { readonly type: "CallExpression"; readonly callee: Shape; readonly arguments: readonly Shape[] }
  | { readonly type: "UnaryExpression"; readonly operator: string; readonly argument: Shape }
  | { readonly type: "BinaryExpression"; readonly operator: string; readonly left: Shape; readonly right: Shape }
  | {
      readonly type: "ConditionalExpression";
      readonly test: Shape;
      readonly consequent: Shape;
      readonly alternate: Shape;
    }
  | { readonly type: "ArrayExpression"; readonly elements: readonly Shape[] }
  | { readonly type: "ObjectExpression"; readonly properties: readonly PropertyShape[] }
  | { readonly type: "ArrowFunctionExpression"; readonly params: readonly Shape[] | null; readonly body: Shape };

interface Members {
  readonly object: Shape;
  readonly property: Shape;
}

export interface PropertyShape {
  readonly type: "Property";
  readonly computed: boolean;
  readonly key: Shape;
  readonly value: Shape;
}

/** jsep's static fields: the whole of its configuration. */
interface Configuration {
  hooks: object;
  unary_ops: Readonly<Record<string, number>>;
  binary_ops: Readonly<Record<string, number>>;
  right_associative: Set<string>;
  additional_identifier_chars: ReadonlySet<string>;
  literals: Readonly<Record<string, unknown>>;
  this_str: string;
  max_unop_len: number;
  max_binop_len: number;
}

interface Plugin {
  init(jsep: JsepClass): void;
}

interface JsepClass extends Configuration {
  new (source: string): { parse(): unknown };
  readonly plugins: { readonly registered: { readonly ternary: Plugin } };
}

// jsep's type declarations leave out its class; the version is pinned, and the tests of this package pin its behaviour.
const { Jsep } = jsepModule as unknown as { Jsep: JsepClass };
const OURS: Configuration = {
  hooks: Reflect.construct(Jsep.hooks.constructor, []) as object,
  unary_ops: { "-": 1, "+": 1, "!": 1 },
  binary_ops: {
    "||": 1,
    "??": 1,
    "&&": 2,
    "==": 6,
    "!=": 6,
    "<": 7,
    ">": 7,
    "<=": 7,
    ">=": 7,
    in: 7,
    "+": 9,
    "-": 9,
    "*": 10,
    "/": 10,
    "%": 10,
    "**": 11,
  },
  right_associative: new Set(["**"]),
  additional_identifier_chars: new Set(["$"]),
  literals: {},
  this_str: "",
  max_unop_len: 1,
  max_binop_len: 2,
};

let initialised = false;

/** Parses text that `arrange` has written. @throws whatever jsep throws; RangeError if it nests too deep. */
export function parseArranged(text: string): Shape {
  return withOurs(() => {
    if (!initialised) {
      for (const plugin of [Jsep.plugins.registered.ternary, object, arrow] as readonly Plugin[]) plugin.init(Jsep);
      // Between two operators that bind to the right jsep binds the looser one first: x => x ** 2 as (x => x) ** 2.
      Jsep.right_associative.delete("=>");
      initialised = true;
    }
    return new Jsep(text).parse() as Shape;
  });
}

function withOurs<T>(act: () => T): T {
  const theirs: Configuration = {
    hooks: Jsep.hooks,
    unary_ops: Jsep.unary_ops,
    binary_ops: Jsep.binary_ops,
    right_associative: Jsep.right_associative,
    additional_identifier_chars: Jsep.additional_identifier_chars,
    literals: Jsep.literals,
    this_str: Jsep.this_str,
    max_unop_len: Jsep.max_unop_len,
    max_binop_len: Jsep.max_binop_len,
  };
  Object.assign(Jsep, OURS);
  try {
    return act();
  } finally {
    Object.assign(Jsep, theirs);
  }
}
