// Calls: `f(x, …)` and `x.f(…)` are the same function of the list, known by its name here and checked against the
// kind of its first argument at each call. Functions and arrows are never values.
import type { Json } from "@keelson/contracts";
import { NOTHING, positionOf, type Context, type Run } from "./context.ts";
import { Failure } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { Call, type Argument, type Callback } from "./functions/call.ts";
import { FUNCTION_TABLE } from "./functions/catalogue.ts";
import type { FunctionSpec } from "./functions/define.ts";
import { describeKind, kindOf } from "./kinds.ts";
import { noProperty } from "./members.ts";
import { nearFunction } from "./foreign-names.ts";
import type { Node } from "./tree.ts";

/** A call as written; `at` is the token of the name. */
interface CallNode {
  readonly name: string;
  readonly at: number;
  readonly args: readonly Node[];
}

type CompiledArgument = (frame: Frame) => Argument;

/** `f(x, …)` */
export function compileFunction(node: CallNode, context: Context): Run {
  const spec = lookUp(node, 0, context);
  const args = node.args.map((argument, index) => compileArgument(spec, argument, index, node.name, context));
  if (spec === undefined) return NOTHING;
  return (frame) =>
    invoke(
      spec,
      args.map((argument) => argument(frame)),
      frame,
    );
}

/** `x.f(…)`, where `place` says how the source writes x. */
export function compileMethod(
  node: CallNode & { readonly place: () => string },
  context: Context,
): (receiver: Json, frame: Frame) => Json {
  const spec = lookUp(node, 1, context);
  const args = node.args.map((argument, index) => compileArgument(spec, argument, index + 1, node.name, context));
  if (spec === undefined) return NOTHING_OF;
  return (receiver, frame) => {
    if (receiver === null && !spec.receivers.has("null")) throw noProperty(null, `${spec.name}()`, node.place());
    const values: Argument[] = [receiver];
    for (const argument of args) values.push(argument(frame));
    return invoke(spec, values, frame);
  };
}

const NOTHING_OF = (): Json => null;

function invoke(spec: FunctionSpec, args: readonly Argument[], frame: Frame): Json {
  frame.spend(1 + args.length);
  const [first] = args;
  if (
    spec.receivers.size > 0 &&
    (typeof first === "function" || first === undefined || !spec.receivers.has(kindOf(first)))
  ) {
    const got = typeof first === "function" ? "an arrow" : describeKind(first ?? null);
    throw new Failure(`${spec.name}() is a function of ${[...spec.receivers].join(" and ")}, not of ${got}.`);
  }
  return spec.run(new Call(spec.name, args, frame));
}

/** The function of that name, if it takes so many arguments; else the problem is noted. */
function lookUp(node: CallNode, receivers: 0 | 1, context: Context): FunctionSpec | undefined {
  const position = context.tokens[node.at]?.start ?? 0;
  const spec = FUNCTION_TABLE.get(node.name);
  if (spec === undefined) {
    const near = nearFunction(node.name, FUNCTION_TABLE.keys());
    const hint = near === null ? " The list is in docs/expressions.md." : ` Did you mean ${near}?`;
    context.findings.problem("UNKNOWN_FUNCTION", `There is no function ${node.name.slice(0, 60)}.${hint}`, position);
    return undefined;
  }
  if (receivers === 1 && spec.receivers.size === 0) {
    context.findings.problem(
      "UNKNOWN_FUNCTION",
      `${spec.name}() belongs to no value: write ${spec.signature}.`,
      position,
    );
    return undefined;
  }
  const count = node.args.length + receivers;
  if (count < spec.minArgs || count > spec.maxArgs) {
    const message = `${spec.name}() is not called so: its signature is ${spec.signature}.`;
    context.findings.problem("EXPRESSION_FORBIDDEN", message, position);
  }
  return spec;
}

function compileArgument(
  spec: FunctionSpec | undefined,
  node: Node,
  index: number,
  name: string,
  context: Context,
): CompiledArgument {
  const inner = ungroup(node);
  const param = spec?.param(index);
  if (inner.kind !== "arrow") {
    if (param?.arrow === "always") {
      const message = `${name}() takes an arrow here, such as item => item.id.`;
      context.findings.problem("EXPRESSION_FORBIDDEN", message, positionOf(inner, context));
    }
    return context.compile(inner, context);
  }
  if (param?.arrow === "never") {
    context.findings.problem("EXPRESSION_FORBIDDEN", `${name}() takes no arrow here.`, positionOf(inner, context));
  }
  if (param !== undefined && param.arrow !== "never" && inner.params.length > param.arrowValues) {
    const given = param.arrowValues === 3 ? "(total, item, index)" : "(item, index)";
    context.findings.problem("EXPRESSION_FORBIDDEN", `The arrow is given ${given} alone.`, positionOf(inner, context));
  }
  return compileArrow(inner, context);
}

/** The values are put into the parameters' slots before each run of the body; a slot belongs to one arrow alone. */
function compileArrow(node: Node & { kind: "arrow" }, context: Context): CompiledArgument {
  const names = new Map(context.names);
  const slots = node.params.map((param) => {
    const slot = context.slots.next;
    context.slots.next += 1;
    names.set(param, slot);
    return slot;
  });
  const body = context.compile(node.body, { ...context, names });
  const [first, second, third] = slots;
  return (frame): Callback =>
    (a, b, c) => {
      frame.spend(1);
      if (first !== undefined) frame.locals[first] = a;
      if (second !== undefined) frame.locals[second] = b;
      if (third !== undefined) frame.locals[third] = c ?? null;
      return body(frame);
    };
}

function ungroup(node: Node): Node {
  let inner = node;
  while (inner.kind === "group") inner = inner.inner;
  return inner;
}
