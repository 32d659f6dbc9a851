// Cuts an expression into JavaScript's tokens, with offsets. It knows words, not order: that is arrange.ts.
import { SyntaxFault } from "./errors.ts";
import { isReserved } from "./reserved.ts";
import { readNumber, readString } from "./literals.ts";

export interface Token {
  readonly kind: "word" | "number" | "string" | "punctuator";
  /** As written. */
  readonly text: string;
  /** Of a number or string its value, else the text. */
  readonly value: string | number;
  readonly start: number;
  readonly end: number;
}

const SPACE = /[\t\v\f\n\r\u2028\u2029\ufeff\p{Zs}]+/uy;
const WORD = /[$_\p{ID_Start}][$_\u200c\u200d\p{ID_Continue}]*/uy;
/** Those outside the language too, so that they are named rather than misread. */
const PUNCTUATORS: ReadonlySet<string> = new Set(
  (
    ">>>= ... === !== **= <<= >>= >>> &&= ||= ??= => == != <= >= && || ?? ?. ** ++ -- += -= *= /= %= &= |= ^= << >> " +
    "// /* { } ( ) [ ] . ; , < > + - * / % & | ^ ! ~ ? : = ` # @ \\"
  ).split(" "),
);
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ["//", "Comments are not part of the language."],
  ["/*", "Comments are not part of the language."],
  ["`", "Template literals are not part of the language: join with +."],
]);
const LONGEST_PUNCTUATOR = 4;

/** @throws SyntaxFault at the first character that begins no token. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = skipSpace(source, 0);
  while (at < source.length) {
    const token = readToken(source, at);
    refuseUnreadable(token, tokens);
    tokens.push(token);
    at = skipSpace(source, token.end);
  }
  return tokens;
}

function readToken(source: string, start: number): Token {
  const char = source[start] ?? "";
  if (char === '"' || char === "'") return literal("string", source, start, readString(source, start));
  if (isDigit(char) || (char === "." && isDigit(source[start + 1] ?? ""))) {
    return literal("number", source, start, readNumber(source, start));
  }
  const word = match(WORD, source, start);
  if (word !== "") return { kind: "word", text: word, value: word, start, end: start + word.length };
  const text = readPunctuator(source, start);
  return { kind: "punctuator", text, value: text, start, end: start + text.length };
}

/** What begins here holds text of any kind, which is not to be read as tokens. */
function refuseUnreadable(token: Token, before: readonly Token[]): void {
  if (token.kind !== "punctuator") return;
  const isRegExp = token.text.startsWith("/") && expectsOperand(before);
  const reason = UNREADABLE.get(token.text) ?? (isRegExp ? "Regular expressions are not part of the language." : "");
  if (reason !== "") throw new SyntaxFault("EXPRESSION_FORBIDDEN", reason, token.start);
}

/** Whether a value is what may follow, so that `/` would begin a regular expression. */
function expectsOperand(before: readonly Token[]): boolean {
  const last = before.at(-1);
  if (last === undefined) return true;
  if (last.kind === "word") return isReserved(last.text) && !before.at(-2)?.text.endsWith(".");
  return last.kind === "punctuator" && last.text !== ")" && last.text !== "]" && last.text !== "}";
}

function readPunctuator(source: string, start: number): string {
  let found = source.slice(start, start + LONGEST_PUNCTUATOR);
  while (found !== "" && !PUNCTUATORS.has(found)) found = found.slice(0, -1);
  if (found === "") {
    const code = (source.codePointAt(start) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    throw new SyntaxFault("EXPRESSION_SYNTAX", `The character U+${code} has no meaning here.`, start);
  }
  // `a?.5:1` is a choice between numbers, as in JavaScript.
  return found === "?." && isDigit(source[start + 2] ?? "") ? "?" : found;
}

function literal(
  kind: "number" | "string",
  source: string,
  start: number,
  read: { value: string | number; end: number },
): Token {
  return { kind, text: source.slice(start, read.end), value: read.value, start, end: read.end };
}

function skipSpace(source: string, at: number): number {
  return at + match(SPACE, source, at).length;
}

function match(pattern: RegExp, source: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(source)?.[0] ?? "";
}

function isDigit(char: string): boolean {
  return char >= "0" && char <= "9" && char !== "";
}
