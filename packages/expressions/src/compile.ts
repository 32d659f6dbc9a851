// Tree → functions. Every name is resolved here, once: to a root, to an arrow's parameter, or to a function of the
// list; so that an evaluation looks up nothing by name but the data's own keys.
import { assertNever, type Json } from "@keelson/contracts";
import { compileFunction } from "./compile-call.ts";
import { compileChain } from "./compile-chain.ts";
import { NOTHING, positionOf, type Context, type Run } from "./context.ts";
import { Failure } from "./errors.ts";
import type { Frame } from "./frame.ts";
import { describeKind, isTruthy, put } from "./kinds.ts";
import { applyBinary, negate, plus } from "./operators.ts";
import type { BinaryTail, Node, Property } from "./tree.ts";

export function compile(node: Node, context: Context): Run {
  switch (node.kind) {
    case "literal": {
      const { value } = node;
      return () => value;
    }
    case "name":
      return compileName(node, context);
    case "group":
      return compile(node.inner, context);
    case "chain":
      return compileChain(node, context);
    case "call":
      return compileFunction({ name: node.name, at: node.from, args: node.args }, context);
    case "unary":
      return compileUnary(node.operator, compile(node.argument, context));
    case "binary":
      return compileBinary(compile(node.first, context), node.rest, context);
    case "conditional":
      return compileConditional(node, context);
    case "array":
      return compileArray(node.items, context);
    case "object":
      return compileObject(node.properties, context);
    case "arrow":
      context.findings.problem(
        "EXPRESSION_FORBIDDEN",
        "An arrow can only be an argument, as in items.map(i => i.id).",
        positionOf(node, context),
      );
      return NOTHING;
    default:
      return assertNever(node);
  }
}

function compileName(node: Node & { kind: "name" }, context: Context): Run {
  const slot = context.names.get(node.name);
  if (slot !== undefined) return (frame) => frame.locals[slot] ?? null;
  const position = positionOf(node, context);
  const root = context.findings.root(node.name, position);
  if (root === undefined) return NOTHING;
  if (root === "steps" || root === "secrets") {
    const example = root === "steps" ? "steps.charge.output" : "secrets.API_TOKEN";
    context.findings.problem("EXPRESSION_FORBIDDEN", `${root} is no value of its own: write ${example}.`, position);
    return NOTHING;
  }
  context.findings.place(root, null, position);
  return (frame) => frame.scope[root] ?? null;
}

function compileUnary(operator: "-" | "+" | "!", argument: Run): Run {
  switch (operator) {
    case "!":
      return (frame) => {
        frame.spend(1);
        return !isTruthy(argument(frame));
      };
    case "-":
      return (frame) => {
        frame.spend(1);
        return negate(argument(frame));
      };
    case "+":
      return (frame) => {
        frame.spend(1);
        return plus(argument(frame));
      };
    default:
      return assertNever(operator);
  }
}

/** One left spine: from the left to the right, skipping what `&&`, `||` and `??` decide without. */
function compileBinary(first: Run, rest: readonly BinaryTail[], context: Context): Run {
  const tail = rest.map(({ operator, right }) => compileTail(operator, compile(right, context)));
  const [only] = tail;
  if (tail.length === 1 && only !== undefined) return (frame) => only(first(frame), frame);
  return (frame) => {
    let value = first(frame);
    for (const step of tail) value = step(value, frame);
    return value;
  };
}

function compileTail(operator: BinaryTail["operator"], right: Run): (left: Json, frame: Frame) => Json {
  switch (operator) {
    case "&&":
      return (left, frame) => {
        frame.spend(1);
        return isTruthy(left) ? right(frame) : left;
      };
    case "||":
      return (left, frame) => {
        frame.spend(1);
        return isTruthy(left) ? left : right(frame);
      };
    case "??":
      return (left, frame) => {
        frame.spend(1);
        return left ?? right(frame);
      };
    default:
      return (left, frame) => {
        frame.spend(1);
        return applyBinary(operator, left, right(frame), frame);
      };
  }
}

function compileConditional(node: Node & { kind: "conditional" }, context: Context): Run {
  const test = compile(node.test, context);
  const yes = compile(node.yes, context);
  const no = compile(node.no, context);
  return (frame) => {
    frame.spend(1);
    return isTruthy(test(frame)) ? yes(frame) : no(frame);
  };
}

function compileArray(nodes: readonly Node[], context: Context): Run {
  const items = nodes.map((item) => compile(item, context));
  return (frame) => {
    frame.spend(1 + items.length);
    return items.map((item) => item(frame));
  };
}

function compileObject(properties: readonly Property[], context: Context): Run {
  const parts = properties.map(({ key, value }) => ({
    key: typeof key === "string" ? key : computedKey(compile(key, context)),
    value: compile(value, context),
  }));
  return (frame) => {
    frame.spend(1 + parts.length);
    const object: Record<string, Json> = {};
    for (const { key, value } of parts) put(object, typeof key === "string" ? key : key(frame), value(frame));
    return object;
  };
}

function computedKey(run: Run): (frame: Frame) => string {
  return (frame) => {
    const key = run(frame);
    if (typeof key === "string" || typeof key === "number") {
      frame.spendText(String(key).length);
      return String(key);
    }
    throw new Failure(`A key is a string or a number, not ${describeKind(key)}.`);
  };
}
