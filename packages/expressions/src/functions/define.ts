// How a function of the list is written down: its signature is what is documented and what calls are checked against.
import type { Json } from "@keelson/contracts";
import type { Kind } from "../kinds.ts";
import type { Call } from "./call.ts";

/** What the documentation shows of a function. */
export interface FunctionDoc {
  readonly name: string;
  /** As `padStart(string, length, pad?)`: `?` may be left out, `…` may be repeated. */
  readonly signature: string;
  readonly summary: string;
  /** An expression. */
  readonly example: string;
  /** The example's value as JSON. */
  readonly result: string;
}

export interface Param {
  /** Whether an arrow may stand here, or must. */
  readonly arrow: "never" | "maybe" | "always";
  /** How many values the arrow is given. */
  readonly arrowValues: number;
}

export interface FunctionSpec extends FunctionDoc {
  /** Kinds of the first argument, which is the receiver of a method; empty for functions without one. */
  readonly receivers: ReadonlySet<Kind>;
  readonly minArgs: number;
  readonly maxArgs: number;
  readonly run: (call: Call) => Json;
  /** Of the argument at this index. */
  readonly param: (index: number) => Param;
}

const ANY: readonly Kind[] = ["null", "boolean", "number", "string", "array", "object"];
const PLAIN: Param = { arrow: "never", arrowValues: 0 };
/** Parameters that take arrows are known by their names. */
const ARROWS: ReadonlyMap<string, Param> = new Map([
  ["arrow", { arrow: "always", arrowValues: 2 }],
  ["fold", { arrow: "always", arrowValues: 3 }],
  ["arrowOrKey", { arrow: "maybe", arrowValues: 2 }],
]);

export function define(
  receivers: readonly Kind[] | "any",
  signature: string,
  doc: { readonly summary: string; readonly example: string; readonly result: string },
  run: (call: Call) => Json,
): FunctionSpec {
  const [name = "", list = ""] = signature.slice(0, -1).split("(");
  const names = list === "" ? [] : list.split(", ");
  const optional = names.filter((param) => param.endsWith("?") || param.endsWith("…")).length;
  const params = names.map((param) => ARROWS.get(param.replace("?", "")) ?? PLAIN);
  return {
    name,
    signature,
    ...doc,
    receivers: new Set(receivers === "any" ? ANY : receivers),
    minArgs: Math.max(names.length - optional, receivers.length > 0 ? 1 : 0),
    maxArgs: list.endsWith("…") ? Number.POSITIVE_INFINITY : names.length,
    param: (index) => params[index] ?? PLAIN,
    run,
  };
}
