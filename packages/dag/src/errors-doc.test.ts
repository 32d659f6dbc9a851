// docs/errors.md lists every code there is. What the catalogue says itself is written from it; the other lists have codes
// alone, whose sentences stand on the page: after a new code, run with -u and fill in its row.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROBLEMS, STEP_ERROR_CODES } from "@keelson/contracts";
import { PROBLEM_CODES } from "./problem.ts";

const PAGE = fileURLToPath(new URL("../../../docs/errors.md", import.meta.url));
const page = readFileSync(PAGE, "utf8");

it("docs/errors.md lists every code, and no other", async () => {
  let current = page;
  current = withRows(current, "problems", () =>
    Object.entries(PROBLEMS).map(([code, { status, sentence, retryable }]) =>
      row(`\`${code}\``, String(status), sentence, retryable ? "yes" : ""),
    ),
  );
  current = withRows(current, "steps", (kept) => rowsOf(STEP_ERROR_CODES, kept));
  current = withRows(current, "definitions", (kept) => rowsOf(PROBLEM_CODES, kept));
  await expect(current).toMatchFileSnapshot(PAGE);
});

it("docs/errors.md says of every code what it means", () => {
  expect(page.match(/^\| `\w+` \|( \d+ \|)?\s*\|/gm)).toBeNull();
});

/** Replaces the rows between a list's markers; `kept`: the sentences that stand there, by code. */
function withRows(text: string, list: string, rows: (kept: ReadonlyMap<string, string>) => readonly string[]): string {
  const part = new RegExp(
    `(<!-- ${list}: begin\\.[^\\n]*-->\\n\\|[^\\n]*\\n\\|[-|]*\\n)([^]*?)(<!-- ${list}: end -->)`,
  );
  expect(text).toMatch(part);
  return text.replace(part, (_, begin: string, old: string, end: string) => {
    const kept = new Map(
      [...old.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, code = "", words = ""]) => [code, words]),
    );
    return `${begin}${rows(kept).join("")}${end}`;
  });
}

function rowsOf(codes: readonly string[], kept: ReadonlyMap<string, string>): string[] {
  return codes.map((code) => row(`\`${code}\``, kept.get(code) ?? ""));
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}
