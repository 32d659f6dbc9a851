// Reads JavaScript's number and string literals as strict mode does: what strict mode refuses is refused here.
import { SyntaxFault } from "./errors.ts";

/** A literal's value and the offset behind it. */
interface Read<T> {
  readonly value: T;
  readonly end: number;
}

const NUMBER =
  /0[xX][\da-fA-F](?:_?[\da-fA-F])*|0[oO][0-7](?:_?[0-7])*|0[bB][01](?:_?[01])*|(?:(?:0|[1-9](?:_?\d)*)(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?/y;
const CONTINUES = /[\d$_\\\p{ID_Start}]/uy;
const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["b", "\b"],
  ["f", "\f"],
  ["v", "\v"],
  ["\n", ""],
  ["\u2028", ""],
  ["\u2029", ""],
]);
const HEX_ESCAPE = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{0*([\da-fA-F]{1,6})\}/y;

/** Reads the number that starts at `start`, a digit or a dot before one. */
export function readNumber(source: string, start: number): Read<number> {
  NUMBER.lastIndex = start;
  const text = NUMBER.exec(source)?.[0] ?? "";
  const end = start + text.length;
  if (source[end] === "n" && !continuesAt(source, end + 1)) {
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", "Big integers are not JSON: write the number without n.", start);
  }
  if (text === "" || continuesAt(source, end)) {
    throw new SyntaxFault("EXPRESSION_SYNTAX", "This is not a number as JavaScript writes it.", start);
  }
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isFinite(value)) {
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", "This number is too large for JSON.", start);
  }
  return { value, end };
}

/** Whether the character at `at` would belong to the number, or begin a word right behind it. */
function continuesAt(source: string, at: number): boolean {
  CONTINUES.lastIndex = at;
  return CONTINUES.test(source);
}

/** Reads the string whose opening quote stands at `start`. */
export function readString(source: string, start: number): Read<string> {
  const quote = source[start];
  let value = "";
  let at = start + 1;
  for (;;) {
    const char = source[at];
    if (char === undefined || char === "\n" || char === "\r") {
      throw new SyntaxFault("EXPRESSION_SYNTAX", "This string is never closed.", start);
    }
    at += 1;
    if (char === quote) break;
    if (char !== "\\") {
      value += char;
      continue;
    }
    const escape = readEscape(source, at);
    value += escape.value;
    at = escape.end;
  }
  if (!value.isWellFormed()) {
    throw new SyntaxFault("EXPRESSION_FORBIDDEN", "This string holds half a character (a lone surrogate).", start);
  }
  return { value, end: at };
}

/** Reads what follows a backslash at `at - 1`. */
function readEscape(source: string, at: number): Read<string> {
  const char = source[at] ?? "";
  if (char === "\r") return { value: "", end: source[at + 1] === "\n" ? at + 2 : at + 1 };
  const simple = SIMPLE_ESCAPES.get(char);
  if (simple !== undefined) return { value: simple, end: at + 1 };
  if (char === "x" || char === "u") return readHexEscape(source, at);
  if (char === "0" && !isDigit(source[at + 1])) return { value: "\0", end: at + 1 };
  if (isDigit(char)) throw new SyntaxFault("EXPRESSION_SYNTAX", "Octal escapes are not allowed.", at - 1);
  return { value: char, end: at + char.length };
}

function readHexEscape(source: string, at: number): Read<string> {
  HEX_ESCAPE.lastIndex = at;
  const match = HEX_ESCAPE.exec(source);
  const code = match === null ? Number.NaN : Number.parseInt(match[1] ?? match[2] ?? match[3] ?? "", 16);
  if (match === null || !(code <= 0x10ffff)) {
    throw new SyntaxFault("EXPRESSION_SYNTAX", "This escape is not complete.", at - 1);
  }
  const value = match[3] === undefined ? String.fromCharCode(code) : String.fromCodePoint(code);
  return { value, end: at + match[0].length };
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9";
}
