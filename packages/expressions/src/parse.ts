// Source text → tree. jsep gives the shape; the words come from our own tokens, and what jsep cannot tell
// (`a ?? b || c`, `-2 ** 2`, chains) is decided here.
import { LIMITS } from "@keelson/contracts";
import { arrange } from "./arrange.ts";
import { matchBrackets } from "./brackets.ts";
import { SyntaxFault } from "./errors.ts";
import { parseArranged, type PropertyShape, type Shape } from "./jsep-grammar.ts";
import { isLiteralWord, isReserved } from "./reserved.ts";
import { tokenize, type Token } from "./tokens.ts";
import type { BinaryOperator, BinaryTail, Link, Node, Property, UnaryOperator } from "./tree.ts";
import { utf8Bytes } from "./sizes.ts";

export interface Parsed {
  readonly tree: Node;
  readonly tokens: readonly Token[];
}

const BINARY_OPERATORS: ReadonlySet<string> = new Set<BinaryOperator>([
  "||",
  "??",
  "&&",
  "==",
  "!=",
  "<",
  ">",
  "<=",
  ">=",
  "in",
  "+",
  "-",
  "*",
  "/",
  "%",
  "**",
]);
const UNARY_OPERATORS: ReadonlySet<string> = new Set<UnaryOperator>(["-", "+", "!"]);
const WORD_VALUES: ReadonlyMap<string, boolean | null> = new Map([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** @throws SyntaxFault with the first thing that is wrong. */
export function parse(source: string): Parsed {
  if (utf8Bytes(source) > LIMITS.expressionBytes) {
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", "The expression is longer than 4 KiB.", 0);
  }
  const tokens = tokenize(source);
  const arranged = arrange(tokens, source.length);
  return { tree: new Builder(tokens).node(shapeOf(arranged)), tokens };
}

function shapeOf(arranged: string): Shape {
  try {
    return parseArranged(arranged);
  } catch {
    // arrange() leaves jsep nothing to complain of: a net under both.
    throw new SyntaxFault("EXPRESSION_SYNTAX", "This is not an expression.", 0);
  }
}

class Builder {
  readonly #tokens: readonly Token[];
  readonly #match: ReadonlyMap<number, number>;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
    this.#match = matchBrackets(tokens);
  }

  node(shape: Shape): Node {
    switch (shape.type) {
      case "Identifier":
        return this.#leaf(this.#index(shape));
      case "MemberExpression":
      case "CallExpression":
        return this.#chain(shape);
      case "UnaryExpression":
        return this.#unary(shape);
      case "BinaryExpression":
        return this.#binary(shape);
      case "ConditionalExpression": {
        const [test, yes, no] = [this.node(shape.test), this.node(shape.consequent), this.node(shape.alternate)];
        return { kind: "conditional", test, yes, no, from: test.from, to: no.to };
      }
      case "ArrowFunctionExpression":
        return this.#arrow(shape);
      default:
        return this.#fail(0);
    }
  }

  #leaf(at: number): Node {
    const token = this.#token(at);
    const span = { from: at, to: at };
    if (token.kind !== "word") return { kind: "literal", value: token.value, ...span };
    const value = WORD_VALUES.get(token.text);
    return value === undefined ? { kind: "name", name: token.text, ...span } : { kind: "literal", value, ...span };
  }

  /** A base and the properties, indexes and calls behind it, read from the last to the first. */
  #chain(shape: Shape): Node {
    const spine: Shape[] = [];
    let inner = shape;
    while (inner.type === "MemberExpression" || (inner.type === "CallExpression" && this.#isMethod(inner))) {
      spine.push(inner);
      inner = inner.type === "MemberExpression" ? inner.object : objectOf(inner.callee);
    }
    const base = inner.type === "CallExpression" ? this.#bareCall(inner) : this.node(inner);
    const links: Link[] = [];
    let to = base.to;
    for (const part of spine.reverse()) {
      const link = this.#link(part, to);
      links.push(link);
      to = link.to;
    }
    return links.length === 0 ? base : { kind: "chain", base, links, from: base.from, to };
  }

  #isMethod(call: Shape & { type: "CallExpression" }): boolean {
    const { callee } = call;
    if (callee.type === "Identifier") return false;
    if (callee.type === "MemberExpression" && !callee.computed) return true;
    throw new SyntaxFault(
      "EXPRESSION_FORBIDDEN",
      "Only functions of the list can be called, as f(x) or x.f().",
      this.#token(this.#firstIndex(callee)).start,
    );
  }

  #link(part: Shape, before: number): Link {
    const optional = this.#token(before + 1).text === "?.";
    if (part.type === "MemberExpression" && !part.computed) {
      const to = this.#index(part.property);
      return { kind: "property", name: this.#token(to).text, optional, to };
    }
    if (part.type === "MemberExpression") {
      const to = this.#closing(optional ? before + 2 : before + 1);
      return { kind: "index", key: this.node(part.property), optional, to };
    }
    if (part.type !== "CallExpression" || part.callee.type !== "MemberExpression") return this.#fail(before);
    const at = this.#index(part.callee.property);
    const args = part.arguments.map((argument) => this.node(argument));
    return { kind: "call", name: this.#token(at).text, args, optional, at, to: this.#closing(at + 1) };
  }

  /** `f(x)`, or one of the brackets that arrange() wrote as a call. */
  #bareCall(shape: Shape & { type: "CallExpression" }): Node {
    const from = this.#index(shape.callee);
    const token = this.#token(from);
    if (token.kind === "punctuator") return this.#bracket(shape.arguments[0], from);
    if (token.kind !== "word" || isLiteralWord(token.text)) {
      throw new SyntaxFault("EXPRESSION_FORBIDDEN", "Only functions of the list can be called.", token.start);
    }
    const args = shape.arguments.map((argument) => this.node(argument));
    return { kind: "call", name: token.text, args, from, to: this.#closing(from + 1) };
  }

  #bracket(inner: Shape | undefined, from: number): Node {
    const to = this.#closing(from);
    if (inner === undefined) return this.#fail(from);
    switch (this.#token(from).text) {
      case "(":
        return { kind: "group", inner: this.node(inner), from, to };
      case "[":
        if (inner.type !== "ArrayExpression") return this.#fail(from);
        return { kind: "array", items: inner.elements.map((item) => this.node(item)), from, to };
      default:
        if (inner.type !== "ObjectExpression") return this.#fail(from);
        return { kind: "object", properties: inner.properties.map((property) => this.#property(property)), from, to };
    }
  }

  #property(shape: PropertyShape): Property {
    if (shape.type !== "Property") return this.#fail(0);
    const value = this.node(shape.value);
    if (shape.computed) return { key: this.node(shape.key), value };
    const token = this.#token(this.#index(shape.key));
    if (token.value === "__proto__") {
      throw new SyntaxFault(
        "EXPRESSION_FORBIDDEN",
        "__proto__ has a meaning of its own, so it is no key.",
        token.start,
      );
    }
    return { key: String(token.value), value };
  }

  #unary(shape: Shape & { type: "UnaryExpression" }): Node {
    const argument = this.node(shape.argument);
    const { operator } = shape;
    if (!isUnaryOperator(operator)) return this.#fail(argument.from);
    return { kind: "unary", operator, argument, from: argument.from - 1, to: argument.to };
  }

  #binary(shape: Shape): Node {
    const spine: (Shape & { type: "BinaryExpression" })[] = [];
    let inner = shape;
    for (; inner.type === "BinaryExpression"; inner = inner.left) spine.push(inner);
    const first = this.node(inner);
    const rest: BinaryTail[] = [];
    for (const part of spine.reverse()) {
      const right = this.node(part.right);
      this.#checkMix(part, right.from - 1);
      if (!isBinaryOperator(part.operator)) return this.#fail(right.from);
      rest.push({ operator: part.operator, right });
    }
    return { kind: "binary", first, rest, from: first.from, to: rest.at(-1)?.right.to ?? first.to };
  }

  /** What JavaScript refuses without parentheses. */
  #checkMix(shape: Shape & { type: "BinaryExpression" }, at: number): void {
    const { operator, left, right } = shape;
    if (operator === "**" && left.type === "UnaryExpression") {
      const message = "A sign before ** is ambiguous: write (-2) ** 2 or -(2 ** 2).";
      throw new SyntaxFault("EXPRESSION_SYNTAX", message, this.#token(at).start);
    }
    if (!isLogical(operator)) return;
    for (const side of [left, right]) {
      if (side.type !== "BinaryExpression" || !isLogical(side.operator)) continue;
      if ((side.operator === "??") !== (operator === "??")) {
        const message = "?? beside || or && is ambiguous: use parentheses.";
        throw new SyntaxFault("EXPRESSION_SYNTAX", message, this.#token(at).start);
      }
    }
  }

  #arrow(shape: Shape & { type: "ArrowFunctionExpression" }): Node {
    const names: string[] = [];
    let from = 0;
    for (const param of shape.params ?? []) {
      // x => y => z
      if (param.type === "ArrowFunctionExpression") this.#forbid("An arrow's body is no arrow.", param.params);
      const at = param.type === "Identifier" ? this.#index(param) : this.#fail(this.#firstIndex(param));
      const token = this.#token(at);
      from ||= at;
      if (token.kind === "punctuator") continue;
      if (token.kind !== "word" || isReserved(token.text) || isLiteralWord(token.text) || names.includes(token.text)) {
        throw new SyntaxFault("EXPRESSION_SYNTAX", "An arrow takes names, each once.", token.start);
      }
      names.push(token.text);
    }
    const body = this.node(shape.body);
    return { kind: "arrow", params: names, body, from, to: body.to };
  }

  #forbid(message: string, where: readonly Shape[] | null): never {
    const [first] = where ?? [];
    const at = first?.type === "Identifier" ? this.#index(first) : 0;
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", message, this.#token(at).start);
  }

  /** The first token of a shape whose node cannot be built. */
  #firstIndex(shape: Shape): number {
    switch (shape.type) {
      case "Identifier":
        return this.#index(shape);
      case "MemberExpression":
        return this.#firstIndex(shape.object);
      case "CallExpression":
        return this.#firstIndex(shape.callee);
      case "UnaryExpression":
        return this.#firstIndex(shape.argument);
      case "BinaryExpression":
        return this.#firstIndex(shape.left);
      default:
        return 0;
    }
  }

  #index(shape: Shape): number {
    return shape.type === "Identifier" ? Number(shape.name.slice(1)) : this.#fail(0);
  }

  #token(at: number): Token {
    return this.#tokens[at] ?? this.#fail(0);
  }

  #closing(opener: number): number {
    return this.#match.get(opener) ?? this.#fail(opener);
  }

  #fail(at: number): never {
    throw new SyntaxFault("EXPRESSION_SYNTAX", "This is not an expression.", this.#tokens[at]?.start ?? 0);
  }
}

function objectOf(callee: Shape): Shape {
  return callee.type === "MemberExpression" ? callee.object : callee;
}

function isLogical(operator: string): boolean {
  return operator === "||" || operator === "&&" || operator === "??";
}

function isBinaryOperator(operator: string): operator is BinaryOperator {
  return BINARY_OPERATORS.has(operator);
}

function isUnaryOperator(operator: string): operator is UnaryOperator {
  return UNARY_OPERATORS.has(operator);
}
