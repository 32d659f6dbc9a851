// Holds the order of tokens against JavaScript's grammar, and writes them anew in a plain form for jsep.
// Knows nothing of trees or meaning.
//  A1. jsep sees ASCII alone: operators, brackets and `$n`, where n is the index of the token that stands there.
//      So words, numbers and strings are ours, and each part of jsep's tree leads back to its place in the source.
//  A2. What begins with a bracket (group, array, object) is written as the call `$n(…)`, where n is the bracket,
//      so that `(a ?? b) || c` and `(a?.b).c` stay told apart from their like without parentheses.
//  A3. What jsep tolerates and JavaScript does not (`f(a b)`, `{a:1 b:2}`, `a;b`) is refused here.
import { SyntaxFault } from "./errors.ts";
import { matchBrackets } from "./brackets.ts";
import { forbiddenReason, isLiteralWord, isReserved, wordHint } from "./reserved.ts";
import type { Token } from "./tokens.ts";

/** Deepest nesting of brackets, choices, arrows and signs. */
export const MAX_DEPTH = 64;

type LevelKind = "top" | "group" | "params" | "call" | "index" | "array" | "object" | "key";

/** What is open at one point: a bracket or, at the bottom, the whole. */
interface Level {
  readonly kind: LevelKind;
  /** `?` that wait for their `:`. */
  choices: number;
  /** Right-nested operators since the last comma: each is a level of the tree. */
  nested: number;
  /** Signs that stand before the bracket. */
  readonly signs: number;
  /** In an object: what may come next. */
  expects: "key" | "colon" | "value";
  /** In an object: the last key may stand alone, as in `{ total }`. */
  shorthand: boolean;
}

const BINARY = new Set("=== !== == != <= >= < > && || ?? ** + - * / %".split(" "));
const CLOSERS = new Set([")", "]", "}"]);
/** Closing text by level; literals were opened as a call (A2). */
const CLOSES: Readonly<Record<LevelKind, string>> = {
  top: "",
  group: ")",
  params: ")",
  call: ")",
  index: "]",
  array: "] )",
  object: "} )",
  key: "]",
};

/** @throws SyntaxFault where JavaScript would, and where the language ends. */
export function arrange(tokens: readonly Token[], length: number): string {
  return new Arranger(tokens, length).run();
}

class Arranger {
  readonly #tokens: readonly Token[];
  readonly #length: number;
  readonly #match: ReadonlyMap<number, number>;
  readonly #out: string[] = [];
  readonly #levels: Level[] = [];
  #level: Level = newLevel("top");
  #expectsOperand = true;
  #depth = 0;
  #signs = 0;
  #at = 0;

  constructor(tokens: readonly Token[], length: number) {
    this.#tokens = tokens;
    this.#length = length;
    this.#match = matchBrackets(tokens);
  }

  run(): string {
    if (this.#tokens.length === 0) throw new SyntaxFault("EXPRESSION_SYNTAX", "The expression is empty.", 0);
    for (let token = this.#tokens[0]; token !== undefined; token = this.#tokens[++this.#at]) {
      if (this.#level.kind === "params") this.#param(token);
      else if (this.#level.kind === "object" && this.#level.expects === "key") this.#key(token);
      else if (this.#level.kind === "object" && this.#level.expects === "colon") this.#afterKey(token);
      else if (this.#expectsOperand) this.#operand(token);
      else this.#operator(token);
    }
    if (this.#expectsOperand) this.#syntax("The expression ends where a value is expected.", this.#length);
    this.#closeChoices(this.#length);
    return this.#out.join(" ");
  }

  #operand(token: Token): void {
    if (token.kind !== "punctuator") {
      if (token.kind === "word" && isReserved(token.text)) this.#refuse(token);
      return this.#leaf();
    }
    switch (token.text) {
      case "(":
        return this.#open(this.#beginsArrow() ? "params" : "group");
      case "[":
        return this.#open("array");
      case "{":
        if (this.#before() === "=>")
          this.#forbid("An arrow's body is an expression: write ({ … }) for an object.", token);
        return this.#open("object");
      case "-":
      case "+":
      case "!":
        this.#signs += 1;
        this.#checkDepth(token);
        this.#out.push(token.text);
        return;
      case ",":
        if (this.#level.kind === "array") this.#forbid("An array has no holes: write null.", token);
        break;
      default:
        if (CLOSERS.has(token.text) && this.#closesEmpty()) return this.#close(token);
    }
    this.#refuse(token);
  }

  #operator(token: Token): void {
    if (token.text === "in" || (token.kind === "punctuator" && BINARY.has(token.text))) {
      if (token.text === "**") this.#nest(token);
      return this.#infix(token.text.length === 3 && token.text.endsWith("==") ? token.text.slice(0, 2) : token.text);
    }
    if (token.text === "instanceof") this.#refuse(token);
    if (token.kind !== "punctuator")
      this.#syntax(`An operator or a comma is missing before this.${wordHint(token.text)}`, token.start);
    switch (token.text) {
      case ".":
      case "?.":
        return this.#access(token);
      case "(":
        return this.#open("call");
      case "[":
        return this.#open("index");
      case "?":
        this.#level.choices += 1;
        this.#nest(token);
        return this.#infix("?");
      case ":":
        if (this.#level.choices === 0) this.#syntax("This : belongs to no ?", token.start);
        this.#level.choices -= 1;
        return this.#infix(":");
      case "=>":
        this.#nest(token);
        return this.#infix("=>");
      case ",":
        return this.#comma(token);
      default:
        if (CLOSERS.has(token.text)) return this.#close(token);
        return this.#refuse(token);
    }
  }

  /** `.name`, `?.name`, `?.[`: the word behind the dot may be any, `in` and `true` too. */
  #access(token: Token): void {
    const next = this.#tokens[this.#at + 1];
    if (token.text === "?." && next?.text === "(") {
      this.#forbid("Functions are no values: call them as f(x) or x.f().", token);
    }
    this.#out.push(token.text);
    if (token.text === "?." && next?.text === "[") return;
    if (next?.kind !== "word")
      this.#syntax("A property's name is missing behind the dot.", next?.start ?? this.#length);
    this.#at += 1;
    this.#out.push(`$${this.#at}`);
  }

  #comma(token: Token): void {
    this.#closeChoices(token.start);
    const { kind } = this.#level;
    if (kind === "key") this.#syntax("A computed key is one expression.", token.start);
    if (kind === "top" || kind === "group" || kind === "index") {
      this.#forbid("Expressions in a row, parted by commas, are not part of the language.", token);
    }
    this.#depth -= this.#level.nested;
    this.#level.nested = 0;
    if (kind === "object") this.#level.expects = "key";
    // jsep does not know the comma behind the last argument or item.
    const next = this.#tokens[this.#at + 1]?.text;
    if (next !== ")" && next !== "]") this.#out.push(",");
    this.#expectsOperand = true;
  }

  #key(token: Token): void {
    if (token.text === "}" && token.kind === "punctuator") return this.#close(token);
    if (token.kind === "punctuator") {
      if (token.text === "[") return this.#open("key");
      if (token.text === "...") this.#refuse(token);
      this.#syntax("A key is expected here.", token.start);
    }
    this.#level.shorthand = token.kind === "word" && !isReserved(token.text) && !isLiteralWord(token.text);
    this.#level.expects = "colon";
    this.#leaf();
  }

  #afterKey(token: Token): void {
    const mark = token.kind === "punctuator" ? token.text : "";
    if (mark === ":") {
      this.#level.expects = "value";
      return this.#infix(":");
    }
    if (this.#level.shorthand && mark === ",") return this.#comma(token);
    if (this.#level.shorthand && mark === "}") return this.#close(token);
    if (mark === "(") this.#forbid("Objects hold values alone, no methods.", token);
    this.#syntax("A : is expected behind the key.", token.start);
  }

  /** Between the parentheses of an arrow: names and commas. */
  #param(token: Token): void {
    const expectsName = this.#expectsOperand;
    if (token.text === ")") {
      if (expectsName && this.#before() === "(") this.#out.push(`$${this.#at}`);
      return this.#close(token);
    }
    if (token.text === "," && !expectsName) {
      if (this.#tokens[this.#at + 1]?.text !== ")") this.#out.push(",");
      this.#expectsOperand = true;
    } else if (token.kind === "word" && expectsName && !isReserved(token.text)) {
      this.#leaf();
    } else {
      this.#forbid("An arrow takes names only: write item => item.name.", token);
    }
  }

  #open(kind: LevelKind): void {
    const literal = kind === "group" || kind === "array" || kind === "object";
    const bracket = this.#tokens[this.#at]?.text ?? "";
    this.#out.push(literal ? `$${this.#at} (${kind === "group" ? "" : ` ${bracket}`}` : bracket);
    this.#depth += 1 + this.#signs;
    this.#levels.push(this.#level);
    this.#level = newLevel(kind, this.#signs);
    this.#signs = 0;
    this.#expectsOperand = true;
    this.#checkDepth(this.#tokens[this.#at]);
  }

  #close(token: Token): void {
    this.#closeChoices(token.start);
    const closed = this.#level;
    this.#out.push(CLOSES[closed.kind]);
    this.#depth -= 1 + closed.nested + closed.signs;
    this.#level = this.#levels.pop() ?? newLevel("top");
    this.#expectsOperand = false;
    if (closed.kind === "key") {
      this.#level.expects = "colon";
      this.#level.shorthand = false;
    }
  }

  /** `f()`, `f(a,)`, `[]` and `[a,]`. */
  #closesEmpty(): boolean {
    const { kind } = this.#level;
    if (kind === "call") return this.#before() === "(" || this.#before() === ",";
    return kind === "array" && (this.#before() === "[" || this.#before() === ",");
  }

  #closeChoices(position: number): void {
    if (this.#level.choices > 0) this.#syntax("A ? has no : behind it.", position);
  }

  #leaf(): void {
    this.#out.push(`$${this.#at}`);
    this.#signs = 0;
    this.#expectsOperand = false;
  }

  #infix(text: string): void {
    this.#out.push(text);
    this.#expectsOperand = true;
  }

  #nest(token: Token): void {
    this.#level.nested += 1;
    this.#depth += 1;
    this.#checkDepth(token);
  }

  #checkDepth(token: Token | undefined): void {
    if (this.#depth + this.#signs > MAX_DEPTH) {
      const message = `The expression is nested more than ${MAX_DEPTH} levels deep.`;
      throw new SyntaxFault("EXPRESSION_FORBIDDEN", message, token?.start ?? 0);
    }
  }

  #beginsArrow(): boolean {
    const end = this.#match.get(this.#at);
    return end !== undefined && this.#tokens[end + 1]?.text === "=>";
  }

  #before(): string {
    const token = this.#tokens[this.#at - 1];
    return token?.kind === "punctuator" ? token.text : "";
  }

  #refuse(token: Token): never {
    const reason = token.kind === "string" ? undefined : forbiddenReason(token.text);
    if (reason !== undefined) this.#forbid(reason, token);
    return this.#syntax(`Unexpected ${token.text.slice(0, 20)}`, token.start);
  }

  #forbid(message: string, token: Token): never {
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", message, token.start);
  }

  #syntax(message: string, position: number): never {
    throw new SyntaxFault("EXPRESSION_SYNTAX", message, position);
  }
}

function newLevel(kind: LevelKind, signs = 0): Level {
  return { kind, choices: 0, nested: 0, signs, expects: "key", shorthand: false };
}
