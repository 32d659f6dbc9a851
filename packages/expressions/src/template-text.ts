// Cuts a string of a template into text and expressions.
//  `{{ … }}` is an expression; `\{{` is the text `{{`; `}}` inside a quoted string, or closing a `{` of the expression,
//  does not end it.
import { SyntaxFault } from "./errors.ts";

export type Part =
  | { readonly kind: "text"; readonly text: string }
  /** `start` is the offset of `source` in the string. */
  | { readonly kind: "expression"; readonly source: string; readonly start: number };

/** @throws SyntaxFault for an expression that is never closed */
export function cutTemplate(text: string): Part[] {
  const parts: Part[] = [];
  let plain = "";
  let at = 0;
  for (;;) {
    const open = text.indexOf("{{", at);
    if (open === -1) break;
    if (text[open - 1] === "\\" && open > at) {
      plain += `${text.slice(at, open - 1)}{{`;
      at = open + 2;
      continue;
    }
    plain += text.slice(at, open);
    const end = endOfExpression(text, open + 2);
    if (plain !== "") parts.push({ kind: "text", text: plain });
    plain = "";
    parts.push({ kind: "expression", source: text.slice(open + 2, end), start: open + 2 });
    at = end + 2;
  }
  plain += text.slice(at);
  if (plain !== "") parts.push({ kind: "text", text: plain });
  return parts;
}

/** The offset of the `}}` that ends the expression which begins at `start`. */
function endOfExpression(text: string, start: number): number {
  let quote = "";
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const char = text[at];
    if (quote !== "") {
      if (char === "\\") at += 1;
      else if (char === quote) quote = "";
    } else if (char === '"' || char === "'") {
      quote = char;
    } else if (char === "{") {
      depth += 1;
    } else if (char === "}" && depth > 0) {
      depth -= 1;
    } else if (char === "}" && text[at + 1] === "}") {
      return at;
    }
  }
  const unclosed =
    quote === "" ? "This {{ is never closed by }}." : "This {{ is never closed: a quote inside stays open.";
  throw new SyntaxFault("EXPRESSION_SYNTAX", unclosed, start - 2);
}
