// Pairs the brackets of an expression.
import { SyntaxFault } from "./errors.ts";
import type { Token } from "./tokens.ts";

const CLOSER_OF: ReadonlyMap<string, string> = new Map([
  ["(", ")"],
  ["[", "]"],
  ["{", "}"],
]);
const CLOSERS = new Set(CLOSER_OF.values());

/** From the index of each opening bracket to that of its closing one. @throws SyntaxFault for one without its like. */
export function matchBrackets(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "punctuator") continue;
    if (CLOSER_OF.has(token.text)) open.push(index);
    if (!CLOSERS.has(token.text)) continue;
    const opener = open.pop();
    const opened = opener === undefined ? undefined : tokens[opener];
    if (opener === undefined || CLOSER_OF.get(opened?.text ?? "") !== token.text) {
      throw new SyntaxFault("EXPRESSION_SYNTAX", `This ${token.text} closes nothing.`, token.start);
    }
    pairs.set(opener, index);
  }
  const last = tokens[open.at(-1) ?? -1];
  if (last !== undefined) {
    throw new SyntaxFault("EXPRESSION_SYNTAX", `This ${last.text} is never closed.`, last.start);
  }
  return pairs;
}
