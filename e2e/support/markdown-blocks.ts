// The code blocks of a page, in order: what its reader types, and what that should print.
import { readFileSync } from "node:fs";

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** Blocks of the part between two lines of text, or of the whole page. */
export function markdownBlocks(file: string, from = "", to = ""): Block[] {
  const page = readFileSync(file, "utf8");
  const begin = page.indexOf(from);
  const end = to === "" ? page.length : page.indexOf(to, begin);
  if (begin < 0 || end < 0) throw new Error(`${file} has no part from ${from} to ${to}`);
  const fences = page.slice(begin, end).matchAll(/^```(\w*)\n([^]*?)^```$/gm);
  return [...fences].map(([, language = "", text = ""]) => ({ language, text }));
}
